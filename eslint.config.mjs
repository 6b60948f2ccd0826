// What the scripts of the interactives and of the book are held to: eslint's own recommendations, and a few more.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv*/**", "_build/**", "node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: { sourceType: "script", globals: { ...globals.browser, moe: "readonly" } },
    rules: {
      "eqeqeq": "error", "no-shadow": "error", "no-var": "error", "prefer-const": "error", "no-implicit-globals": "error",
    },
  },
  { files: ["*.mjs"], languageOptions: { sourceType: "module" } },
];

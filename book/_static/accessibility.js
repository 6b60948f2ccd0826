// What the theme and the bibliography leave wrong for those who use a screen reader.
addEventListener("DOMContentLoaded", () => {
  // The book's title stands outside every landmark, where somebody who moves by landmarks does not find it.
  document.querySelector(".sidebar-primary-item:has(.navbar-brand)")?.setAttribute("role", "banner");
  // The list of the pages of source code has lists between its entries.
  for (const list of document.querySelectorAll("ul > ul")) list.previousElementSibling?.append(list);
  // What folds a part of the list of pages has no name.
  for (const summary of document.querySelectorAll(".bd-docs-nav summary")) {
    summary.setAttribute("aria-label", `Pages of: ${summary.closest("li").querySelector("a").textContent.trim()}`);
  }
  // A list whose entries are no list items, and a role that is no longer in use.
  const old = ".citation-list, [role='doc-biblioentry']";
  for (const element of document.querySelectorAll(old)) element.removeAttribute("role");
});

// The buttons of the theme that are seen do nothing: it listens to others, which it hides.
addEventListener("DOMContentLoaded", () => {
  for (const kind of [".primary-toggle", ".secondary-toggle"]) {
    /** @type {NodeListOf<HTMLElement>} */
    const buttons = document.querySelectorAll(kind);
    const [heard, ...seen] = buttons;
    for (const button of seen) button.addEventListener("click", () => heard.click());
  }
});

// You are here: the theme marks the page in the list by colour only, and shows the list where another page left it.
addEventListener("DOMContentLoaded", () => {
  const here = [...document.querySelectorAll(".bd-docs-nav li.current > a")].at(-1);
  if (!here) return;
  here.setAttribute("aria-current", "page");
  const show = () => {
    const list = here.closest(".bd-sidebar-primary");
    if (!list) return;
    const seen = list.getBoundingClientRect(), { top, bottom } = here.getBoundingClientRect();
    if (top < seen.top || bottom > seen.bottom) list.scrollTop += top - seen.top - seen.height / 3;
  };
  addEventListener("load", show); // after the theme, which has put the list where it was
  document.querySelector(".primary-toggle")?.addEventListener("click", () => setTimeout(show)); // it is a dialog then
});

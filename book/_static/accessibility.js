// What the theme and the bibliography leave wrong for those who use a screen reader.
addEventListener("DOMContentLoaded", () => {
  // The book's title stands outside every landmark, where somebody who moves by landmarks does not find it.
  document.querySelector(".sidebar-primary-item:has(.navbar-brand)")?.setAttribute("role", "banner");
  // The list of the pages of source code has lists between its entries.
  for (const list of document.querySelectorAll("ul > ul")) list.previousElementSibling?.append(list);
  // A list whose entries are no list items, and a role that is no longer in use.
  const old = ".citation-list, [role='doc-biblioentry']";
  for (const element of document.querySelectorAll(old)) element.removeAttribute("role");
});

// You are here: the theme marks the page in the list of pages by colour only, and shows the list where another page left it.
addEventListener("DOMContentLoaded", () => {
  const here = [...document.querySelectorAll(".bd-docs-nav li.current > a")].at(-1);
  if (!here) return;
  here.setAttribute("aria-current", "page");
  const show = () => {
    const list = here.closest(".bd-sidebar, dialog");
    if (!list) return;
    const seen = list.getBoundingClientRect(), { top, bottom } = here.getBoundingClientRect();
    if (top < seen.top || bottom > seen.bottom) list.scrollTop += top - seen.top - seen.height / 3;
  };
  setTimeout(show); // after the theme, which puts the list where it was on the page before
  for (const button of document.querySelectorAll(".primary-toggle")) button.addEventListener("click", () => setTimeout(show));
});

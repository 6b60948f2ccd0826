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

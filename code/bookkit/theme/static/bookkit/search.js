/* The index of the search comes in pieces: a question waits until those that it needs are here. */
(function () {
  "use strict";
  const folder = new URL(".", document.querySelector("script[src*='_static/search/']").src);
  const asked = new Map();
  const answer = Search.query;

  /* A script, because a page from disk must not fetch. */
  function load(name) {
    if (!asked.has(name))
      asked.set(
        name,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = new URL(name, folder);
          script.onload = resolve;
          script.onerror = reject;
          document.head.append(script);
        })
      );
    return asked.get(name);
  }

  /* The pieces are in the order of their first words. */
  function loadAround(words) {
    const found = words.map((word) => Search._index.pieces.findLast(([first]) => first <= word));
    return Promise.all(found.filter(Boolean).map(([, name]) => load(name)));
  }

  async function loadFor(query) {
    const index = Search._index;
    const words = [...Search._parseQuery(query)[1]];
    await Promise.all([loadAround(words), /\d/.test(query) && load(index.equations)]);
    /* Where a word is not in the book, Sphinx looks for longer ones that contain it. */
    const parts = words.filter((word) => word.length > 2 && !Object.hasOwn(index.terms, word));
    if (!parts.length) return;
    await load(index.words);
    await loadAround(index.words.filter((word) => parts.some((part) => word.includes(part))));
  }

  Search.query = async function (query) {
    try {
      await loadFor(query);
    } catch {
      Search.stopPulse();
      Search.title.textContent = "Search";
      Search.status.textContent = "A part of the index could not be loaded. Load the page again.";
      return;
    }
    answer(query);
  };
})();

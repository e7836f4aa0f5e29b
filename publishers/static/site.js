/* Votes, bookmarks, the drawer and live counts. Without this file the forms do the same.

   What it looks for in a page:
     [data-tool="SLUG"]        a part of the page that is about one tool
     in or on such a part:
       [data-community-ship], [data-community-skip]   number of votes of each choice
       [data-community-percent]                       share of ship, or nothing
       [data-community-line]                          verdict and both counts, as one text
       [data-bookmarks]                               number of bookmarks
       form[data-vote]         its buttons carry the choice as value
       form[data-bookmark]     its one button saves
     [data-refresh="NAME"]     text that follows from the counts by the server's rules
     [data-message]            where failures are said
     [data-drawer], [data-drawer-open], [data-drawer-loading|empty|list]  the bookmarks
     form[data-search]         its field suggests while one types; data-beside="A-vs-B" on it
                               makes it look for a tool to set beside these

   The counts in `state` are the newest that the server told, and include `own`, the vote and the
   bookmark that it knows of this browser. `wanted` is what the person chose. What is shown is the
   server's count moved by the difference, so a failure only has to forget what was wanted. */

"use strict";

(() => {
  const LABELS = { ship: "Ship", skip: "Skip", split: "Split" };
  const RETRY = 5000;
  const REFRESH = 2000;

  const states = new Map();
  let knownOwn = Promise.resolve();
  let source = null;
  let refreshing = 0;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const within = (part, selector) =>
    part.matches(selector) ? [part, ...all(selector, part)] : all(selector, part);
  const partsOf = (slug) => all(`[data-tool="${slug}"]`);
  const numberIn = (part, selector) => Number(part.querySelector(selector)?.textContent ?? 0);

  /* Showing */

  function collect() {
    for (const form of all("form[data-vote]")) {
      const part = form.closest("[data-tool]");
      states.set(part.dataset.tool, {
        ship: numberIn(part, "[data-community-ship]"),
        skip: numberIn(part, "[data-community-skip]"),
        bookmarks: numberIn(part, "[data-bookmarks]"),
        version: -1,
        own: { choice: null, saved: false },
        wanted: { choice: null, saved: false },
        turn: Promise.resolve(),
        pending: 0,
        held: null,
      });
    }
  }

  function show(slug) {
    const { own, wanted, ...told } = states.get(slug);
    const moved = (choice) => Number(wanted.choice === choice) - Number(own.choice === choice);
    const ship = Math.max(0, told.ship + moved("ship"));
    const skip = Math.max(0, told.skip + moved("skip"));
    const saved = Math.max(0, told.bookmarks + Number(wanted.saved) - Number(own.saved));
    for (const part of partsOf(slug)) {
      write(part, "[data-community-ship]", ship);
      write(part, "[data-community-skip]", skip);
      write(part, "[data-community-percent]", percent(ship, skip));
      write(part, "[data-community-line]", line(ship, skip));
      write(part, "[data-bookmarks]", saved);
      for (const button of all("form[data-vote] button", part)) {
        button.setAttribute("aria-pressed", String(button.value === wanted.choice));
      }
      for (const button of all("form[data-bookmark] button", part)) {
        button.setAttribute("aria-pressed", String(wanted.saved));
      }
    }
  }

  function write(part, selector, value) {
    for (const element of within(part, selector)) {
      if (element.textContent !== String(value)) element.textContent = value;
    }
  }

  function percent(ship, skip) {
    const total = ship + skip;
    return total ? `${Math.floor((200 * ship + total) / (2 * total))}%` : "";
  }

  function line(ship, skip) {
    if (ship + skip === 0) return "No community votes yet";
    const verdict = ship === skip ? "split" : ship > skip ? "ship" : "skip";
    return `${LABELS[verdict]} · ${ship} ship / ${skip} skip`;
  }

  function say(text) {
    const message = document.querySelector("[data-message]");
    message.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { message.textContent = ""; }, 8000);
  }

  /* What the server tells */

  function told(slug, tally) {
    const state = states.get(slug);
    if (!state || !tally?.community || !(tally.version > state.version)) return;
    if (state.pending) {
      // It may or may not count the choice that is on its way, so it waits for the answer to that.
      if (!state.held || tally.version > state.held.version) state.held = tally;
      return;
    }
    const changed = state.ship !== tally.community.ship || state.skip !== tally.community.skip;
    state.ship = tally.community.ship;
    state.skip = tally.community.skip;
    state.bookmarks = tally.bookmarks;
    state.version = tally.version;
    show(slug);
    if (changed) refreshSoon();
  }

  async function learnOwn() {
    const answer = await fetch("/v1/me", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const me = await answer.json();
    for (const [slug, state] of states) {
      if (state.pending) continue;
      state.own = { choice: me.votes?.[slug] ?? null, saved: (me.bookmarks ?? []).includes(slug) };
      state.wanted = { ...state.own };
      show(slug);
    }
  }

  function listen() {
    if (source || document.hidden || !states.size) return;
    const asked = [...states.keys()].map((slug) => `tool=${encodeURIComponent(slug)}`);
    // A new stream begins with the present state, so nothing is missed while there was none.
    source = new EventSource(`/v1/changes?${asked.join("&")}`);
    source.addEventListener("tally", (event) => {
      const tally = JSON.parse(event.data);
      told(tally.tool, tally);
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      hush();
      setTimeout(listen, RETRY);
    });
  }

  function hush() {
    source?.close();
    source = null;
  }

  /* Sentences that the server derives from the counts come from its own new page. */

  function refreshSoon() {
    if (refreshing || !document.querySelector("[data-refresh]")) return;
    refreshing = setTimeout(() => {
      refreshing = 0;
      refresh().catch(() => {});
    }, REFRESH);
  }

  async function refresh() {
    const answer = await fetch(location.pathname, { cache: "no-cache" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const element of all("[data-refresh]")) {
      const fresh = page.querySelector(`[data-refresh="${element.dataset.refresh}"]`);
      if (fresh && fresh.textContent !== element.textContent) {
        element.replaceChildren(...fresh.childNodes);
      }
    }
  }

  /* What the person chooses */

  function choose(slug, kind, value, failure) {
    const state = states.get(slug);
    state.wanted[kind] = value;
    state.pending += 1;
    show(slug);
    // One after the other, so that the last choice is also the last one the server hears of.
    state.turn = state.turn.then(() => send(slug, kind, failure)).finally(() => settle(slug));
  }

  async function send(slug, kind, failure) {
    const state = states.get(slug);
    const value = state.wanted[kind];
    if (value === state.own[kind]) return;
    try {
      const answer = await (kind === "choice" ? sendVote(slug, value) : sendBookmark(slug, value));
      if (!answer.ok) throw new Error(answer.statusText);
      accept(state, kind, value, await answer.json());
    } catch {
      if (state.wanted[kind] === value) state.wanted[kind] = state.own[kind];
      say(failure);
    }
  }

  function accept(state, kind, value, tally) {
    if (tally.community && tally.version >= state.version) {
      state.ship = tally.community.ship;
      state.skip = tally.community.skip;
      state.bookmarks = tally.bookmarks;
      state.version = tally.version;
    }
    state.own[kind] = value;
  }

  function settle(slug) {
    const state = states.get(slug);
    state.pending -= 1;
    if (state.pending) return;
    const held = state.held;
    state.held = null;
    told(slug, held);
    show(slug);
    refreshSoon();
  }

  function sendVote(slug, choice) {
    const address = `/v1/tools/${slug}/vote`;
    if (choice === null) return fetch(address, { method: "DELETE" });
    return fetch(address, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ choice }),
    });
  }

  function sendBookmark(slug, saved) {
    return fetch(`/v1/bookmarks/${slug}`, { method: saved ? "PUT" : "DELETE" });
  }

  async function onSubmit(event) {
    const form = event.target;
    const part = form.closest("[data-tool]");
    if (!part || !form.matches("[data-vote], [data-bookmark]")) return;
    event.preventDefault();
    const slug = part.dataset.tool;
    const pressed = event.submitter?.value;
    await knownOwn;
    const { wanted } = states.get(slug);
    if (form.matches("[data-bookmark]")) {
      choose(slug, "saved", !wanted.saved, "The bookmark could not be saved. Please try again.");
    } else {
      const choice = wanted.choice === pressed ? null : pressed;
      choose(slug, "choice", choice, "Your vote could not be counted. Please try again.");
    }
  }

  /* The drawer */

  async function openDrawer(event) {
    const drawer = document.querySelector("[data-drawer]");
    if (event.ctrlKey || event.metaKey || event.shiftKey || !drawer.showModal) return;
    event.preventDefault();
    shelve("loading");
    drawer.showModal();
    try {
      const answer = await fetch("/v1/bookmarks", { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      const saved = (await answer.json()).items ?? [];
      fill(saved);
      shelve(saved.length ? "list" : "empty");
    } catch {
      drawer.close();
      say("Your bookmarks could not be loaded. Please try again.");
    }
  }

  function shelve(name) {
    for (const each of ["loading", "empty", "list"]) {
      document.querySelector(`[data-drawer-${each}]`).hidden = each !== name;
    }
  }

  function fill(saved) {
    const entries = saved.map((tool) => {
      const slug = typeof tool === "string" ? tool : tool.tool;
      const link = document.createElement("a");
      link.href = `/tools/${encodeURIComponent(slug)}/`;
      link.textContent = tool.name ?? slug;
      const entry = document.createElement("li");
      entry.append(link);
      return entry;
    });
    document.querySelector("[data-drawer-list]").replaceChildren(...entries);
  }

  /* Search as one types, by the rule of publishers/views/lists/search.py */

  const VERSUS = /^(.*?)\s+(?:vs\.?|versus|or)(?:\s+(.*))?$/iu;
  const TOOLS = 6;
  const PAIRS = 4;
  const A_SIDE = 3;
  let listed = null;

  const words = (text) =>
    text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const byName = (one, other) => compare(one.lower, other.lower) || compare(one.slug, other.slug);
  const compare = (one, other) => Number(one > other) - Number(one < other);
  const unique = (items, key) => [...new Map(items.map((item) => [key(item), item])).values()];
  const lineup = (...slugs) => `/compare/${slugs.sort().join("-vs-")}/`;

  function load() {
    listed ??= fetch("/search.json")
      .then((answer) => answer.json())
      .then(({ categories, tools }) => tools.map(([slug, name, tagline, number]) => ({
        slug,
        name,
        tagline,
        lower: name.toLowerCase(),
        category: categories[number],
        fields: [
          [4, words(`${name} ${slug}`)],
          [2, words(categories[number])],
          [1, words(tagline)],
        ],
      })))
      .catch(() => {
        listed = null;
        return [];
      });
    return listed;
  }

  function weight(asked, tool) {
    let sum = 0;
    for (const word of asked) {
      const field = tool.fields.find(([, held]) => held.some((each) => each.startsWith(word)));
      if (!field) return 0;
      sum += field[0];
    }
    return sum;
  }

  function best(side, tools) {
    const asked = words(side ?? "");
    return tools
      .map((tool) => [weight(asked, tool), tool])
      .filter(([found]) => found)
      .sort(([a, one], [b, other]) => b - a || byName(one, other))
      .map(([, tool]) => tool);
  }

  function suggest(query, tools, beside) {
    const line = query.trim().replace(/\s+/gu, " ");
    const sides = (line.match(VERSUS)?.slice(1) ?? [line]).map((side) => best(side, tools));
    const found = unique(sides.flat(), (tool) => tool.slug);
    if (beside.length) {
      return found
        .filter((tool) => !beside.includes(tool.slug))
        .slice(0, TOOLS)
        .map((tool) => [tool.name, tool.tagline, lineup(tool.slug, ...beside)]);
    }
    const single = found.slice(0, TOOLS)
      .map((tool) => [tool.name, tool.tagline, `/tools/${tool.slug}/`]);
    const both = pairs(sides, tools).slice(0, PAIRS);
    return sides.length > 1 ? [...both, ...single] : [...single, ...both];
  }

  function pairs([left, right], tools) {
    let every = [];
    if (right) {
      every = left.slice(0, A_SIDE).flatMap((a) => right.slice(0, A_SIDE).map((b) => [a, b]));
    } else if (left.length) {
      const near = [...left, ...[...tools].sort(byName)];
      every = near.filter((b) => b.category === left[0].category).map((b) => [left[0], b]);
    }
    return unique(
      every.filter(([a, b]) => a !== b).map((two) => {
        const [a, b] = two.sort((one, other) => compare(one.slug, other.slug));
        return [`${a.name} vs ${b.name}`, "Comparison", lineup(a.slug, b.slug)];
      }),
      ([, , path]) => path,
    );
  }

  function searchIn(form) {
    const field = form.querySelector("input[type=search]");
    const beside = form.dataset.beside?.split("-vs-") ?? [];
    const list = document.createElement("ul");
    let active = -1;
    list.className = "found";
    list.id = `${field.id}-found`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    form.append(list);
    for (const [name, value] of [
      ["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id],
    ]) field.setAttribute(name, value);
    close();

    function close() {
      list.hidden = true;
      field.setAttribute("aria-expanded", "false");
      mark(-1);
    }

    function mark(number) {
      active = number;
      [...list.children].forEach((option, at) => {
        option.setAttribute("aria-selected", String(at === active));
        if (at === active) option.scrollIntoView({ block: "nearest" });
      });
      const option = list.children[active];
      if (option) field.setAttribute("aria-activedescendant", option.id);
      else field.removeAttribute("aria-activedescendant");
    }

    async function update() {
      const asked = field.value;
      const tools = await load();
      if (field.value !== asked || document.activeElement !== field) return;
      list.replaceChildren(...suggest(asked, tools, beside).map(([name, note, path], number) => {
        const option = document.createElement("li");
        const fine = document.createElement("span");
        fine.className = "fine";
        fine.textContent = note;
        option.append(name, fine);
        option.id = `${list.id}-${number}`;
        option.dataset.path = path;
        option.setAttribute("role", "option");
        return option;
      }));
      list.hidden = !list.children.length;
      field.setAttribute("aria-expanded", String(!list.hidden));
      mark(-1);
    }

    function onKey(event) {
      const last = list.children.length - 1;
      if (event.key === "Escape" && !list.hidden) close();
      else if (event.key === "Enter" && active >= 0) location.assign(list.children[active].dataset.path);
      else if (event.key === "ArrowDown" && !list.hidden) mark(active < last ? active + 1 : -1);
      else if (event.key === "ArrowUp" && !list.hidden) mark(active < 0 ? last : active - 1);
      else return;
      event.preventDefault();
    }

    field.addEventListener("focus", load);
    field.addEventListener("input", update);
    field.addEventListener("keydown", onKey);
    field.addEventListener("blur", close);
    // The field keeps the focus, so that a click reaches the list before it closes.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const path = event.target.closest("li")?.dataset.path;
      if (path) location.assign(path);
    });
  }

  /* Start */

  function wake() {
    if (document.hidden) return hush();
    if (!source && states.size) {
      knownOwn = learnOwn().catch(() => {});
      listen();
    }
  }

  collect();
  for (const slug of states.keys()) show(slug);
  document.addEventListener("submit", onSubmit);
  for (const opener of all("[data-drawer-open]")) opener.addEventListener("click", openDrawer);
  all("form[data-search]").forEach(searchIn);
  for (const drawer of all("[data-drawer]")) {
    drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  }
  document.addEventListener("visibilitychange", wake);
  addEventListener("pagehide", hush);
  addEventListener("pageshow", wake);
  wake();
})();

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
     [data-message]            the place for messages about what a choice did, or why it failed
     [data-share], [data-copy] the link to the page, and the hidden button that copies it
     [data-account]            the link to the account, which says whether this browser has one
     form[data-press]          a form that is sent at once
     [data-saved-count]        number of this browser's bookmarks, or nothing
     [data-drawer], [data-drawer-open], [data-drawer-loading|empty|list|compare|message]
                               the bookmarks
     form[data-subscribe]      asks for the newsletter; [data-subscribe-message] in it says what came
     form[data-search]         its field suggests while the visitor types; data-selected="A-vs-B"
                               on it makes it suggest a tool to compare with these

   The counts in `state` are the server's newest, and include `own`, this browser's vote and
   bookmark as the server knows them. `wanted` is the visitor's choice. The page shows the server's
   counts changed by the difference, so a failure only has to reset `wanted`. */

"use strict";

(() => {
  const LABELS = { ship: "Ship", skip: "Skip", split: "Split", none: "No verdict yet" };
  const RETRY_MS = 5000;
  const REFRESH_MS = 2000;
  const MESSAGE_MS = 8000;
  const FAILURES = {
    choice: ["Your vote was not sent.", "Voting is"],
    saved: ["Your bookmark was not saved.", "Bookmarks are"],
  };

  const states = new Map();
  const MAX_COMPARED = 4;
  let saved = new Set();
  let knownOwn = Promise.resolve();
  let source = null;
  let refreshing = 0;
  let firstResponse = null;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const within = (part, selector) =>
    part.matches(selector) ? [part, ...all(selector, part)] : all(selector, part);
  const partsOf = (slug) => all(`[data-tool="${slug}"]`);
  const numberIn = (part, selector) =>
    Number(part.querySelector(selector)?.textContent.replaceAll(",", "") ?? 0);
  const withCommas = (number) => number.toLocaleString("en-US");

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
        queue: Promise.resolve(),
        pending: 0,
        postponed: null,
      });
    }
  }

  function show(slug) {
    const { own, wanted, ...server } = states.get(slug);
    const difference = (choice) => Number(wanted.choice === choice) - Number(own.choice === choice);
    const ship = Math.max(0, server.ship + difference("ship"));
    const skip = Math.max(0, server.skip + difference("skip"));
    const saved = Math.max(0, server.bookmarks + Number(wanted.saved) - Number(own.saved));
    for (const part of partsOf(slug)) {
      write(part, "[data-community-ship]", withCommas(ship));
      write(part, "[data-community-skip]", withCommas(skip));
      write(part, "[data-community-percent]", percent(ship, skip));
      write(part, "[data-community-line]", line(ship, skip));
      write(part, "[data-bookmarks]", withCommas(saved));
      for (const button of all("form[data-vote] button", part)) {
        button.setAttribute("aria-pressed", String(button.value === wanted.choice));
      }
      for (const button of all("form[data-bookmark] button", part)) {
        button.setAttribute("aria-pressed", String(wanted.saved));
      }
    }
    remember(slug, wanted.saved);
  }

  function remember(slug, isSaved) {
    if (isSaved) saved.add(slug);
    else saved.delete(slug);
    showSavedCount();
  }

  function showSavedCount() {
    const count = saved.size ? ` (${withCommas(saved.size)})` : "";
    for (const element of all("[data-saved-count]")) {
      if (element.textContent !== count) element.textContent = count;
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
    return `${LABELS[verdict]} · ${withCommas(ship)} ship / ${withCommas(skip)} skip`;
  }

  function notify(text) {
    // While the drawer is open, nothing outside it is read to anyone.
    const open = document.querySelector("[data-drawer][open] [data-drawer-message]");
    const message = open ?? document.querySelector("[data-message]");
    message.textContent = text;
    clearTimeout(notify.timer);
    notify.timer = setTimeout(() => { message.textContent = ""; }, MESSAGE_MS);
  }

  function confirm(slug, kind, value) {
    const group = document.querySelector(`[data-tool="${slug}"] [data-vote] [role="group"]`);
    const vote = group?.getAttribute("aria-label") ?? "Your vote";
    if (kind === "saved") return notify(value ? "Saved to your bookmarks." : "Removed from your bookmarks.");
    if (value === null) return notify(`${vote} was taken back.`);
    return notify(`${vote}: ${LABELS[value]}. Press ${LABELS[value]} again to take it back.`);
  }

  function failure(kind, status, problem) {
    const [lost, service] = FAILURES[kind];
    if (!navigator.onLine) return `You're offline. ${lost}`;
    if (status === 429 && problem.code === "too-many-changes") return problem.detail;
    if (status === 429) return "Too many new voters on your network; try again in an hour.";
    if (status >= 400 && status < 500) return `${lost} Please reload the page.`;
    return `${service} down for a moment. Please try again.`;
  }

  /* Tallies from the server */

  function receive(slug, tally) {
    const state = states.get(slug);
    if (!state || !tally?.community || !(tally.version > state.version)) return;
    if (state.pending) {
      // It may or may not include the pending choice, so it waits for the response to that.
      if (!state.postponed || tally.version > state.postponed.version) state.postponed = tally;
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
    const response = await fetch("/v1/me", { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const me = await response.json();
    saved = new Set(me.bookmarks ?? []);
    showSavedCount();
    for (const link of all("[data-account]")) link.textContent = me.signed_in ? "Your account" : "Sign in";
    for (const [slug, state] of states) {
      if (state.pending) continue;
      state.own = { choice: me.votes?.[slug] ?? null, saved: (me.bookmarks ?? []).includes(slug) };
      state.wanted = { ...state.own };
      show(slug);
    }
  }

  function listen() {
    if (source || document.hidden || !states.size) return;
    const tools = [...states.keys()].map((slug) => `tool=${encodeURIComponent(slug)}`);
    // A new stream begins with the current state, so nothing is missed between two streams.
    source = new EventSource(`/v1/changes?${tools.join("&")}`);
    source.addEventListener("tally", (event) => {
      const tally = JSON.parse(event.data);
      receive(tally.tool, tally);
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      disconnect();
      setTimeout(listen, RETRY_MS);
    });
  }

  function disconnect() {
    source?.close();
    source = null;
  }

  /* Sentences that the server derives from the counts are read from its new page. */

  function refreshSoon() {
    if (refreshing || !document.querySelector("[data-refresh]")) return;
    refreshing = setTimeout(() => {
      refreshing = 0;
      refresh().catch(() => {});
    }, REFRESH_MS);
  }

  async function refresh() {
    const response = await fetch(location.pathname, { cache: "no-cache" });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const element of all("[data-refresh]")) {
      const fresh = page.querySelector(`[data-refresh="${element.dataset.refresh}"]`);
      if (fresh && fresh.textContent !== element.textContent) {
        element.replaceChildren(...fresh.childNodes);
      }
    }
  }

  /* Choices of the visitor */

  function choose(slug, kind, value) {
    const state = states.get(slug);
    state.wanted[kind] = value;
    state.pending += 1;
    show(slug);
    // One after the other, so the last choice also reaches the server last.
    state.queue = state.queue.then(() => send(slug, kind)).finally(() => settle(slug));
  }

  async function send(slug, kind) {
    const state = states.get(slug);
    const value = state.wanted[kind];
    if (value === state.own[kind]) return;
    let status = 0;
    let problem = {};
    try {
      const response = await withVoter(
        () => (kind === "choice" ? sendVote(slug, value) : sendBookmark(slug, value)),
      );
      status = response.status;
      if (status === 429) problem = await response.json();
      if (!response.ok) throw new Error(response.statusText);
      accept(state, kind, value, await response.json());
      if (state.wanted[kind] === value) confirm(slug, kind, value);
    } catch {
      if (state.wanted[kind] === value) state.wanted[kind] = state.own[kind];
      notify(failure(kind, status, problem));
    }
  }

  /* A browser's first response names its voter; a request beside the first would make another. */
  async function withVoter(request) {
    while (firstResponse) if (await firstResponse) return request();
    let settled;
    let ok = false;
    firstResponse = new Promise((resolve) => { settled = resolve; });
    try {
      const response = await request();
      ok = response.ok;
      return response;
    } finally {
      if (!ok) firstResponse = null;
      settled(ok);
    }
  }

  function accept(state, kind, value, tally) {
    if (tally.community && tally.version >= state.version) {
      state.ship = tally.community.ship;
      state.skip = tally.community.skip;
      state.bookmarks = tally.bookmarks;
      state.version = tally.version;
    }
    state.own[kind] = kind in tally ? tally[kind] : value; // another device's choice may have won
    if (state.wanted[kind] === value) state.wanted[kind] = state.own[kind];
  }

  function settle(slug) {
    const state = states.get(slug);
    state.pending -= 1;
    if (state.pending) return;
    const { postponed } = state;
    state.postponed = null;
    receive(slug, postponed);
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

  /* The second click of a double click repeats the first; it takes nothing back. */
  function onClick(event) {
    const repeats = event.detail > 1 && event.target.closest("[data-vote] button, [data-bookmark] button");
    if (repeats) event.preventDefault();
  }

  async function onSubmit(event) {
    const form = event.target;
    const part = form.closest("[data-tool]");
    if (!part || !form.matches("[data-vote], [data-bookmark]")) return;
    event.preventDefault();
    const slug = part.dataset.tool;
    const pressed = event.submitter?.value;
    await knownOwn;
    const { own, wanted } = states.get(slug);
    if (form.matches("[data-bookmark]")) {
      if (wanted.saved === own.saved) choose(slug, "saved", !wanted.saved);
    } else if (wanted.choice !== pressed || own.choice === pressed) {
      choose(slug, "choice", wanted.choice === pressed ? null : pressed);
    }
  }

  /* The drawer */

  async function openDrawer(event) {
    const drawer = document.querySelector("[data-drawer]");
    if (event.ctrlKey || event.metaKey || event.shiftKey || !drawer.showModal) return;
    event.preventDefault();
    showPart("loading");
    drawer.showModal();
    try {
      const response = await fetch("/v1/bookmarks", { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(response.statusText);
      fill((await response.json()).items ?? []);
    } catch {
      drawer.close();
      notify("Your bookmarks could not be loaded. Please try again.");
    }
  }

  function showPart(name) {
    for (const each of ["loading", "empty", "list"]) {
      document.querySelector(`[data-drawer-${each}]`).hidden = each !== name;
    }
  }

  function fill(tools) {
    document.querySelector("[data-drawer-list]").replaceChildren(...tools.map((tool) => {
      const link = element("a", "", element("bdi", "", tool.name));
      link.href = tool.path;
      const voice = element("span", "voice", "Panel:");
      const label = ` ${LABELS[tool.panel_verdict]}`;
      const verdict = element("span", `verdict ${tool.panel_verdict}`, voice, label);
      const button = element("button", "quiet", "Remove");
      button.setAttribute("aria-label", `Remove ${tool.name} from bookmarks`);
      const entry = element("li", "", link, verdict, button);
      button.addEventListener("click", async () => {
        if (!(await unsave(tool.tool))) return;
        fill(tools.filter((other) => other !== tool));
        const drawer = document.querySelector("[data-drawer]");
        (drawer.querySelector("li button") ?? drawer.querySelector("button")).focus();
      });
      return entry;
    }));
    showPart(tools.length ? "list" : "empty");
    const compare = document.querySelector("[data-drawer-compare]");
    compare.hidden = tools.length < 2 || tools.length > MAX_COMPARED;
    compare.querySelector("a").href = comparisonPath(...tools.map((tool) => tool.tool));
  }

  function element(name, className, ...children) {
    const created = document.createElement(name);
    created.className = className;
    created.append(...children);
    return created;
  }

  async function unsave(slug) {
    if (states.has(slug)) {
      choose(slug, "saved", false);
      await states.get(slug).queue;
      return !states.get(slug).own.saved;
    }
    let status = 0;
    try {
      const response = await sendBookmark(slug, false);
      status = response.status;
      if (!response.ok) throw new Error(response.statusText);
    } catch {
      notify(failure("saved", status, {}));
      return false;
    }
    remember(slug, false);
    confirm(slug, "saved", false);
    return true;
  }

  function offerCopying() {
    const [link, button] = [document.querySelector("[data-share]"), document.querySelector("[data-copy]")];
    if (!link || !navigator.clipboard) return;
    [link.hidden, button.hidden] = [true, false];
    button.addEventListener("click", () => navigator.clipboard.writeText(link.href).then(
      () => notify("The link to this page was copied."),
      () => { [link.hidden, button.hidden] = [false, true]; },
    ));
  }

  /* The newsletter's form */

  async function subscribe(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const [response, answer] = await requestMail(form.elements.email.value, timezone);
      showSubscribed(form, response.ok, answer.detail);
    } catch {
      const failure = navigator.onLine ? "Please try again in a moment." : "You're offline.";
      showSubscribed(form, false, `${failure} No mail was sent.`);
    } finally {
      button.disabled = false;
    }
  }

  async function requestMail(email, timezone) {
    const response = await fetch("/v1/subscriptions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(timezone ? { email, timezone } : { email }),
    });
    const answer = await response.json();
    // The browser may know a time zone that the server does not.
    return answer.pointer === "/timezone" ? requestMail(email) : [response, answer];
  }

  function showSubscribed(form, ok, detail) {
    const field = form.elements.email;
    const message = form.querySelector("[data-subscribe-message]");
    message.className = ok ? "done" : "error";
    message.textContent = detail;
    if (ok) {
      field.removeAttribute("aria-invalid");
      field.value = "";
    } else {
      field.setAttribute("aria-invalid", "true");
      field.focus();
    }
  }

  /* Search suggestions, by the rule of publishers/views/search/search_index.py */

  const VERSUS = /^(.*?)\s+(?:vs\.?|versus|or)(?:\s+(.*))?$/iu;
  const MAX_TOOLS = 6;
  const MAX_PAIRS = 4;
  const MAX_PER_SIDE = 3;
  let index = null;

  const MIN_TYPO_LENGTH = 4;
  const LETTERS = {
    ł: "l", đ: "d", ð: "d", ø: "o", ħ: "h", ı: "i", ŧ: "t", ŋ: "n", æ: "ae", œ: "oe", þ: "th",
    ß: "ss", ς: "σ",
  };
  // Scripts that put no spaces between words.
  const UNSPACED = /[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\u{20000}-\u{3ffff}]/u;
  const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\u202a-\u202e\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

  const fold = (text) =>
    text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
      .replace(/[^\0-\x7f]/gu, (letter) => LETTERS[letter] ?? letter);
  const chunks = (text) =>
    fold(text).split(/\s+/u).map((chunk) => chunk.match(/[\p{L}\p{N}]+/gu) ?? []).filter((chunk) => chunk.length);
  const searchable = (text) => {
    const every = chunks(text);
    const joined = every.flatMap((chunk) => chunk.slice(1).map((_, start) => chunk.slice(start).join("")));
    return [...new Set([...every.flat(), ...joined])].map((word) => ` ${word}`).join("");
  };
  const begins = (word, text) => text.includes(UNSPACED.test(word) ? word : ` ${word}`);
  const finds = (chunk, text) =>
    begins(chunk.join(""), text) || chunk.every((word) => begins(word, text));
  const findsNearly = (chunk, text) => {
    const word = chunk.join("");
    if (finds(chunk, text)) return true;
    return [...word].length >= MIN_TYPO_LENGTH && text.split(" ").some((other) => isNear(word, other));
  };
  const isolate = (text) => {
    const line = text.replace(/[\u2066-\u2069]/gu, "");
    return RIGHT_TO_LEFT.test(line) ? `\u2068${line}\u2069` : line;
  };
  const byName = (one, other) => compare(one.lower, other.lower) || compare(one.slug, other.slug);
  const compare = (one, other) => Number(one > other) - Number(one < other);
  const unique = (items, key) => [...new Map(items.map((item) => [key(item), item])).values()];
  const comparisonPath = (...slugs) => `/compare/${slugs.sort().join("-vs-")}/`;

  // The tools that a query may find: all of a small site, and of a large one what the server finds.
  async function load(query, selected) {
    index ??= fetch("/search.json").then((response) => response.json()).catch(() => (index = null));
    const stored = await index;
    if (!stored?.ask) return stored ? prepared(stored) : [];
    if (!query.trim()) return [];
    const asked = new URLSearchParams({ q: query, with: selected.join("-vs-") });
    const response = await fetch(`${stored.ask}?${asked}`).catch(() => null);
    return response?.ok ? prepared(await response.json()) : [];
  }

  function prepared(data) {
    data.prepared ??= data.tools.map(([slug, name, tagline, number, described]) => ({
      slug,
      name,
      tagline,
      lower: name.toLowerCase(),
      category: data.categories[number],
      fields: [
        [8, searchable(`${name} ${slug}`)],
        [4, searchable(data.categories[number])],
        [2, searchable(tagline)],
        [1, searchable(described)],
      ],
    }));
    return data.prepared;
  }

  function isNear(word, other) {
    let at = 0;
    while (at < word.length && at < other.length && word[at] === other[at]) at += 1;
    const [rest, behind] = [word.slice(at), other.slice(at)];
    return behind.startsWith(rest.slice(1))
      || behind.slice(1).startsWith(rest)
      || behind.slice(1).startsWith(rest.slice(1))
      || (rest.length > 1 && behind[1] === rest[0] && behind[0] === rest[1]
        && behind.slice(2).startsWith(rest.slice(2)));
  }

  function weight(query, fields, matches) {
    let sum = 0;
    for (const chunk of query) {
      const field = fields.find(([, text]) => matches(chunk, text));
      if (!field) return 0;
      sum += field[0];
    }
    return sum;
  }

  function ranked(side, tools) {
    const query = chunks(side ?? "");
    const weighed = (matches, fields) => tools
      .map((tool) => [weight(query, tool.fields.slice(0, fields), matches), tool])
      .filter(([sum]) => sum);
    const exact = weighed(finds, 4);
    return (exact.length ? exact : weighed(findsNearly, 2))
      .sort(([a, one], [b, other]) => b - a || byName(one, other))
      .map(([, tool]) => tool);
  }

  function suggest(query, tools, selected) {
    const line = query.trim().replace(/\s+/gu, " ");
    const asked = line.match(VERSUS)?.slice(1) ?? [line];
    const sides = asked.map((side) => ranked(side, tools));
    const matches = unique(sides.flat(), (tool) => tool.slug);
    if (selected.length) {
      return matches
        .filter((tool) => !selected.includes(tool.slug))
        .slice(0, MAX_TOOLS)
        .map((tool) => [isolate(tool.name), tool.tagline, comparisonPath(tool.slug, ...selected)]);
    }
    const single = matches.slice(0, MAX_TOOLS)
      .map((tool) => [isolate(tool.name), tool.tagline, `/tools/${tool.slug}/`]);
    const complete = chunks(asked[1] ?? "").length ? sides : sides.slice(0, 1);
    const both = pairs(complete, tools).slice(0, MAX_PAIRS);
    return sides.length > 1 ? [...both, ...single] : [...single, ...both];
  }

  function pairs([left, right], tools) {
    let every = [];
    if (right) {
      every = left.slice(0, MAX_PER_SIDE).flatMap((a) => right.slice(0, MAX_PER_SIDE).map((b) => [a, b]));
    } else if (left.length) {
      const near = [...left, ...[...tools].sort(byName)];
      every = near.filter((b) => b.category === left[0].category).map((b) => [left[0], b]);
    }
    return unique(
      every.filter(([a, b]) => a !== b).map((two) => {
        const [a, b] = two.sort((one, other) => compare(one.slug, other.slug));
        return [`${isolate(a.name)} vs ${isolate(b.name)}`, "Comparison", comparisonPath(a.slug, b.slug)];
      }),
      ([, , path]) => path,
    );
  }

  function searchIn(form) {
    const field = form.querySelector("input[type=search]");
    const selected = form.dataset.selected?.split("-vs-") ?? [];
    const list = document.createElement("ul");
    let active = -1;
    list.className = "suggestions";
    list.id = `${field.id}-suggestions`;
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
      activate(-1);
    }

    function activate(number) {
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
      const query = field.value;
      const tools = await load(query, selected);
      if (field.value !== query || document.activeElement !== field) return;
      list.replaceChildren(...suggest(query, tools, selected).map(([name, note, path], number) => {
        const option = document.createElement("li");
        const fine = document.createElement("span");
        fine.className = "fine";
        fine.dir = "auto";
        fine.textContent = note;
        option.append(name, fine);
        option.id = `${list.id}-${number}`;
        option.dataset.path = path;
        option.setAttribute("role", "option");
        return option;
      }));
      list.hidden = !list.children.length;
      field.setAttribute("aria-expanded", String(!list.hidden));
      activate(-1);
    }

    function onKey(event) {
      const last = list.children.length - 1;
      if (event.key === "Escape" && !list.hidden) close();
      else if (event.key === "Enter" && active >= 0) location.assign(list.children[active].dataset.path);
      else if (event.key === "ArrowDown" && !list.hidden) activate(active < last ? active + 1 : -1);
      else if (event.key === "ArrowUp" && !list.hidden) activate(active < 0 ? last : active - 1);
      else return;
      event.preventDefault();
    }

    field.addEventListener("focus", () => load("", selected));
    field.addEventListener("input", update);
    field.addEventListener("keydown", onKey);
    field.addEventListener("blur", close);
    // The field keeps the focus, so a click reaches the list before it closes.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const path = event.target.closest("li")?.dataset.path;
      if (path) location.assign(path);
    });
  }

  /* Start */

  function wake() {
    if (document.hidden) return disconnect();
    if (source) return;
    knownOwn = learnOwn().catch(() => {});
    listen();
  }

  collect();
  offerCopying();
  for (const slug of states.keys()) show(slug);
  document.querySelector("form[data-press]")?.requestSubmit();
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  for (const opener of all("[data-drawer-open]")) opener.addEventListener("click", openDrawer);
  all("form[data-search]").forEach(searchIn);
  for (const form of all("form[data-subscribe]")) form.addEventListener("submit", subscribe);
  for (const drawer of all("[data-drawer]")) {
    drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  }
  document.addEventListener("visibilitychange", wake);
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  wake();
})();

// The report: key figures, charts, tables that can be sorted and searched, and a movie picker.

// A column is { name, number, show, can, pick }: `show` makes a text of a value, `pick` is what a click on it does where the row `can`.
function sortable(columns, rows, searched) {
  let sorted = rows, column = -1, down = true, filter = "";
  const body = html("tbody");
  const heads = columns.map((head, at) => {
    const button = html("button", { type: "button" }, head.name);
    button.addEventListener("click", () => {
      down = column === at ? !down : Boolean(head.number);
      column = at;
      const compare = (a, b) => (head.number ? (a[at] ?? -Infinity) - (b[at] ?? -Infinity) : String(a[at]).localeCompare(String(b[at])));
      sorted = [...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      heads.forEach((th, other) => th.setAttribute("aria-sort", other === at ? (down ? "descending" : "ascending") : "none"));
      heads.forEach((th, other) => { th.firstChild.textContent = columns[other].name + (other === at ? (down ? " ▼" : " ▲") : ""); });
      fill();
    });
    return html("th", head.number ? { class: "number", scope: "col" } : { scope: "col" }, button);
  });
  const fill = () => {
    const found = filter ? sorted.filter((row) => row.some((value) => typeof value === "string" && value.toLowerCase().includes(filter))) : sorted;
    body.replaceChildren(...found.map((row) => html("tr", {}, ...columns.map((head, at) => {
      const text = head.show ? head.show(row[at], row) : String(row[at] ?? "");
      const cell = html("td", head.number ? { class: "number" } : {});
      if (head.pick && head.can(row)) {
        const button = html("button", { type: "button" }, text);
        button.addEventListener("click", () => head.pick(row));
        cell.append(button);
      } else cell.append(text);
      return cell;
    }))));
  };
  fill();
  const table = html("table", columns.length > 3 ? {} : { class: "narrow" }, html("thead", {}, html("tr", {}, ...heads)), body);
  const parts = [html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": searched ?? "table" }, table)];
  if (searched) {
    const input = html("input", { type: "search", placeholder: searched, "aria-label": searched });
    input.addEventListener("input", () => { filter = input.value.trim().toLowerCase(); fill(); });
    parts.unshift(input);
  }
  return parts;
}

const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
const stars = (value) => (value === null ? "" : value.toFixed(3));

function picker(data) {
  const { movies } = data;
  const section = html("section", { id: "picker" }, html("h2", {}, "One movie"), html("p", { class: "note" }, data.picker_note));
  const places = new Map(movies.id.map((id, at) => [id, at]));
  const chooser = { section, has: (id) => places.has(id) };
  if (!places.size) return chooser;
  const input = html("input", { type: "search", placeholder: "Title of a movie", "aria-label": "Title of a movie", autocomplete: "off" });
  const found = html("ul", { class: "found", "aria-label": "Movies found" });
  const shown = html("div", { id: "movie" });
  section.append(input, found, shown);
  const titles = movies.title.map(plain);

  const show = (at) => {
    found.replaceChildren();
    input.value = movies.title[at];
    const links = [];
    if (movies.imdb[at]) links.push(html("a", { href: `https://www.imdb.com/title/tt${movies.imdb[at]}/`, rel: "noreferrer" }, "IMDb"));
    if (movies.tmdb[at]) links.push(html("a", { href: `https://www.themoviedb.org/movie/${movies.tmdb[at]}`, rel: "noreferrer" }, "TMDB"));
    const facts = [movies.genres[at], `${exact.format(movies.n[at])} ratings`, `average ${stars(movies.mean[at])}`];
    const note = html("p", { class: "note" }, facts.join(" · "));
    links.forEach((link) => note.append(" · ", link));
    shown.replaceChildren(html("h3", {}, movies.title[at]), note);
    const months = data.months[at], average = [], soFar = [];
    let total = 0, before = null;
    for (let i = 0; i < months.length; i += 3) {
      const [month, n, sum] = months.slice(i, i + 3);
      const day = Date.UTC(1970, month, 15) / DAY;
      // A month without a rating is a gap.
      if (before !== null && month > before + 1) average.push([Date.UTC(1970, before + 1, 15) / DAY, null]);
      before = month;
      total += n;
      average.push([day, sum / n]);
      soFar.push([day, total]);
    }
    const panel = (label, points) => ({ x: { label: "time (UTC)", kind: "day" }, y: { label, kind: "number" }, marks: { lines: [{ name: label, points }] } });
    drawPanel(shown, panel("average rating by month, stars", average));
    drawPanel(shown, panel("ratings so far", soFar));
    const own = data.ratings[at], rows = [];
    for (let i = 0; i < own.length; i += 3) rows.push([own[i], own[i + 1], own[i + 2]]);
    const columns = [
      { name: "user", number: typeof rows[0]?.[0] !== "string" },
      { name: "rating", number: true },
      { name: "date", number: true, show: (day) => (day === null ? "" : date(day)) },
    ];
    shown.append(html("p", { class: "note" }, rows.length < movies.n[at] ? `The latest ${rows.length} of ${exact.format(movies.n[at])} ratings.` : "All ratings, the latest first."), ...sortable(columns, rows));
  };
  const look = () => {
    const wanted = plain(input.value).split(/\s+/).filter(Boolean);
    const fits = [];
    for (let at = 0; at < titles.length && fits.length < 30 && wanted.length; at++) if (wanted.every((word) => titles[at].includes(word))) fits.push(at);
    found.replaceChildren(...fits.map((at) => {
      const item = html("li", { tabindex: "0", role: "button" }, movies.title[at]);
      item.addEventListener("click", () => show(at));
      item.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(at); } });
      return item;
    }));
  };
  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") found.firstChild?.click(); });
  show(0);
  chooser.show = (id) => { show(places.get(id)); section.scrollIntoView(); };
  return chooser;
}

async function unpacked() {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent.trim()), (character) => character.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

unpacked().then((data) => {
  const main = document.querySelector("main");
  main.append(html("h1", {}, data.title), html("p", { class: "note" }, data.note));
  main.append(html("dl", { class: "facts" }, ...data.facts.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value)))));
  drawFigure(main, data.figures.time);
  const side = (figures) => {
    const pair = html("div", { class: "pair" });
    main.append(pair);
    figures.forEach((figure) => { const section = html("section"); pair.append(section); drawFigure(section, figure); });
  };
  side([data.figures.stars, data.figures.users]);
  drawFigure(main, data.figures.genres);
  main.append(...sortable([
    { name: "genre" }, { name: "movies", number: true, show: exact.format }, { name: "ratings", number: true, show: exact.format },
    { name: "average", number: true, show: stars }, { name: "share of all", number: true, show: (share) => `${(100 * share).toFixed(1)} %` },
  ], data.genres));
  const chooser = picker(data);
  for (const list of data.lists) {
    const section = html("section", { id: list.id }, html("h2", {}, list.title), html("p", { class: "note" }, list.note));
    main.append(section);
    section.append(...sortable([
      { name: "title", can: (row) => chooser.has(row[5]), pick: (row) => chooser.show(row[5]) },
      { name: "genres", show: (genres) => (genres ?? "").replaceAll("|", ", ") }, { name: "ratings", number: true, show: exact.format }, { name: "average", number: true, show: stars },
      { name: "std. deviation", number: true, show: stars },
    ], list.rows, "Search title or genre"));
  }
  main.append(chooser.section);
  document.documentElement.dataset.ready = "yes";
});

// What pages do beyond HTML and htmx: tick boxes, the order in which they were ticked, one request for a double click.
// Every page works without scripts.
"use strict";
(() => {
  const ticks = () => [...document.querySelectorAll('input[name="id"]')];
  const ticked = []; // ids, in the order in which they were ticked

  function note(box) {
    const at = ticked.indexOf(box.value);
    if (box.checked && at < 0) ticked.push(box.value);
    if (!box.checked && at >= 0) ticked.splice(at, 1);
  }

  function show() {
    const boxes = ticks();
    const on = boxes.filter((box) => box.checked).length;
    const all = document.getElementById("tick-all");
    if (all) {
      all.checked = on > 0 && on === boxes.length;
      all.indeterminate = on > 0 && on < boxes.length;
    }
    const count = document.getElementById("ticked-count");
    if (count) count.textContent = on;
  }

  function restart() {
    const boxes = ticks();
    const here = new Set(boxes.map((box) => box.value));
    for (let at = ticked.length - 1; at >= 0; at--) if (!here.has(ticked[at])) ticked.splice(at, 1);
    boxes.forEach(note);
    show();
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.id === "tick-all") {
      for (const each of ticks()) {
        each.checked = box.checked;
        note(each);
      }
    } else if (box.name === "id") {
      note(box);
      const chosen = document.querySelector('input[name="scope"][value="ticked"]');
      if (chosen) chosen.checked = true;
    }
    show();
  });

  // The server ignores a second request of a form as well; this avoids sending it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const sequence = form.querySelector('input[name="sequence"]');
    if (sequence) sequence.value = ticked.join(",");
    if (event.defaultPrevented || form.method !== "post") return;
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
  // A page from the back/forward cache is out of date. It is reloaded, unless that would lose input.
  addEventListener("pageshow", (event) => {
    const fields = [...document.querySelectorAll("main input:not([type=hidden]), main textarea")];
    const typed = fields.some((field) => field.value !== field.defaultValue);
    if (event.persisted && !typed) return location.reload();
    if (event.persisted) document.querySelectorAll("main button").forEach((button) => (button.disabled = false));
    restart();
  });
  document.addEventListener("htmx:afterSwap", restart);

  // Cells that are pasted into the table of tracking numbers: rows that begin with an order's number go to that order,
  // others go down from the field. After the number the carrier may follow. The table's form takes pasted text as well.
  function place(field, [number, carrier]) {
    field.value = number;
    const select = field.closest("tr").querySelector("select");
    const option = [...select.options].find((each) => carrier && [each.value, each.text].includes(carrier));
    if (option) select.value = option.value;
  }

  document.addEventListener("paste", (event) => {
    const field = event.target;
    const text = (event.clipboardData?.getData("text") ?? "").replace(/[\r\n]+$/, "");
    if (!field.matches("table.entry input[data-number]") || !/[\t\n]/.test(text)) return;
    event.preventDefault();
    const fields = [...document.querySelectorAll("table.entry input[data-number]")];
    let at = fields.indexOf(field);
    for (const row of text.split(/\r?\n/)) {
      const cells = row.split("\t").map((cell) => cell.trim());
      const own = fields.find((each) => each.dataset.number === cells[0]);
      if (own) place(own, cells.slice(1));
      else if (fields[at]) place(fields[at++], cells);
    }
  });

  // The result of a test or a trial is about the fields as they were then.
  document.addEventListener("input", (event) => {
    event.target.closest("section")?.querySelectorAll("[data-of-this-section]").forEach((result) => result.replaceChildren());
  });

  // The form of a mapping draws itself anew at every change. What is being typed meanwhile is not replaced: when the
  // field is left, the form is drawn once more.
  let typing = false;
  const ofMapping = (element) => element?.closest?.("#mapping");
  document.addEventListener("input", (event) => (typing ||= Boolean(ofMapping(event.target))));
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (ofMapping(event.detail.elt)) typing = false;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (typing && ofMapping(event.detail.elt)) event.detail.shouldSwap = false;
  });

  // A request without a response of this platform may have been carried out: an earlier notice of success is removed,
  // and whatever a proxy sent instead does not replace a row.
  const RETRY = 3000; // milliseconds; the pause of browsers before they connect to an event stream again
  const notices = () => document.getElementById("notices");
  const line = () => document.getElementById("line");

  function showError(where, message) {
    const notice = document.createElement("p");
    notice.className = "notice doubt";
    notice.textContent = message;
    where?.replaceChildren(notice);
    // The button that was pressed may be further down.
    notice.scrollIntoView({ block: "nearest" });
  }

  function failed(event, message) {
    const finished = event.detail.elt;
    if (finished?.id !== "finished") return showError(notices(), message);
    // This request changes nothing, so it is repeated.
    showError(line(), line()?.dataset.lost);
    setTimeout(() => htmx.trigger(finished, "sse:finished"), RETRY);
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") notices()?.replaceChildren();
  });
  document.addEventListener("htmx:sendError", (event) => failed(event, notices()?.dataset.unreachable));
  document.addEventListener("htmx:timeout", (event) => failed(event, notices()?.dataset.noAnswer));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { status } = event.detail.xhr;
    // An error page of the platform has its own target.
    if (status < 400 || event.detail.xhr.getResponseHeader("HX-Retarget")) return;
    event.detail.shouldSwap = false;
    failed(event, notices()?.dataset.badAnswer.replace("{0}", `HTTP ${status}`));
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });
  document.addEventListener("htmx:sseError", () => showError(line(), line()?.dataset.lost));
  document.addEventListener("htmx:sseOpen", () => line()?.replaceChildren());
})();

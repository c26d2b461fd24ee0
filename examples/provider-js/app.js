// Example Pay as a provider plugin: an invented provider with four calls, each a form that is posted and an answer in
// XML. `/register` takes an order; `/ask`, `/cancel` and `/ship` name it by its reference. The fee rule (手数料設定) is
// the host's.

import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, IncomingBody, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";

const NAME = "サンプル後払い";
const PRODUCTION = "https://api.example.jp";
const MAX_NAME = 30;
const MAX_PHONE = 13;
const MAX_NUMBER = 20;
const MAX_YEN = 999_999n;
// What `blocking-write-and-flush` takes at once.
const WRITE_BYTES = 4096;

// Errors with which nothing can have been sent. With any other the outcome is unknown.
const NOT_SENT = new Set([
  "DNS-error",
  "DNS-timeout",
  "HTTP-request-URI-invalid",
  "HTTP-request-URI-too-long",
  "HTTP-request-denied",
  "HTTP-request-header-section-size",
  "HTTP-request-header-size",
  "HTTP-request-length-required",
  "HTTP-request-method-invalid",
  "TLS-certificate-error",
  "connection-limit-reached",
  "connection-refused",
  "connection-timeout",
  "destination-IP-prohibited",
  "destination-IP-unroutable",
  "destination-not-found",
  "destination-unavailable",
]);

// Carriers: the contract's id, the provider's code, and the name.
const CARRIERS = [
  ["sagawa", "SAGAWA", "佐川急便", "Sagawa Express"],
  ["yamato", "YAMATO", "ヤマト運輸", "Yamato Transport"],
  ["japan-post", "POST", "日本郵便", "Japan Post"],
];

// What the provider calls a field that is wrong, and what the contract calls it.
const FIELD_PATHS = {
  order: "reference",
  name: "buyer.name",
  phone: "buyer.phone",
  amount: "billed-amount",
  carrier: "carrier",
  number: "tracking-number",
};

const reason = (code, message) => ({ code, message });
const problem = (field, code, message) => ({ field, reason: reason(code, message) });
const label = (ja, en) => ({ ja, en });

/** Why a row failed: one of the contract's failures. */
class Failed extends Error {
  constructor(tag, val) {
    super(tag);
    this.failure = { tag, val };
  }
}

const unknown = (message) => new Failed("outcome-unknown", reason(undefined, message));

/** What `act` returns, or why it failed, as a row of an answer. */
function row(act) {
  try {
    return { tag: "ok", val: act() };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return { tag: "err", val: error.failure };
  }
}

const help = label("契約時に届きます。", "Sent with the contract.");
const FIELDS = [
  {
    key: "base-url",
    label: label("接続先URL", "Gateway URL"),
    help: label("通常は変更しません。", "Leave as it is."),
    kind: { tag: "url" },
    required: true,
    default: PRODUCTION,
    maxLength: 200,
  },
  {
    key: "shop-id",
    label: label("店舗ID", "Shop ID"),
    help,
    kind: { tag: "digits" },
    required: true,
    default: undefined,
    maxLength: 10,
  },
  {
    key: "api-key",
    label: label("APIキー", "API key"),
    help,
    kind: { tag: "secret" },
    required: true,
    default: undefined,
    maxLength: 40,
  },
];

/** The shop's settings by key, with the defaults of those that are empty. */
function readSettings(settings) {
  const values = new Map(FIELDS.map((field) => [field.key, field.default ?? ""]));
  for (const { key, value } of settings) if (value !== "") values.set(key, value);
  return values;
}

const hasControl = (text) => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text);

/** Scheme, host, port and path of a gateway's URL; nothing where it is not one. */
function parseUrl(text) {
  const match = /^(https?):\/\/([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[!-~]*)?$/.exec(text);
  if (!match || /[?#]/.test(text) || (match[3] && Number(match[3].slice(1)) > 65535)) return undefined;
  return { scheme: match[1], authority: match[2] + (match[3] ?? ""), path: (match[4] ?? "").replace(/\/+$/, "") };
}

/** Everything that is wrong with a shop's settings. */
function settingProblems(settings) {
  const known = new Set(FIELDS.map((field) => field.key));
  const seen = new Set();
  const found = [];
  for (const { key } of settings) {
    if (!known.has(key)) found.push(problem(key, "unknown-setting", "この名前の設定項目はありません"));
    else if (seen.has(key)) found.push(problem(key, "setting-twice", "同じ設定項目が二度あります"));
    seen.add(key);
  }
  const values = readSettings(settings);
  for (const field of FIELDS) {
    const value = values.get(field.key);
    const say = (code, message) => found.push(problem(field.key, code, `${field.label.ja}${message}`));
    if (field.required && value.trim() === "") say("required", "を入力してください");
    else if (field.maxLength !== undefined && [...value].length > field.maxLength)
      say("too-long", `は${field.maxLength}文字までです`);
    else if (field.kind.tag === "digits" && !/^[0-9]*$/.test(value)) say("digits", "は半角数字です");
    else if (field.kind.tag === "url" && !parseUrl(value)) say("url", "がURLではありません");
    else if (hasControl(value)) say("control", "に使えない文字があります");
  }
  return found;
}

/** Everything that is wrong with a reference; `field` is its path in the contract. */
function referenceProblems(field, reference) {
  if (/^[0-9A-Za-z_-]{1,20}$/.test(reference)) return [];
  return [problem(field, "reference", "注文番号は半角英数字・ハイフン・下線の20文字以内です")];
}

/** Everything that is wrong with a text that has to be there. */
function textProblems(field, name, text, limit) {
  if (text.trim() === "") return [problem(field, "required", `${name}を入力してください`)];
  if ([...text].length > limit) return [problem(field, "too-long", `${name}は${limit}文字以内です`)];
  if (hasControl(text)) return [problem(field, "characters", `${name}に使えない文字があります`)];
  return [];
}

/** Everything that is wrong with an order, before anything is sent. */
function orderProblems(order, earlier) {
  const found = referenceProblems("reference", order.reference);
  if (earlier.some((other) => other.reference === order.reference))
    found.push(problem("reference", "reference-twice", "同じ注文番号が一度の呼び出しに二度あります"));
  const { name, phone } = order.buyer;
  found.push(...textProblems("buyer.name", "購入者の氏名", name, MAX_NAME));
  if (phone.length > MAX_PHONE || !/^[0-9-]*[0-9][0-9-]*$/.test(phone))
    found.push(problem("buyer.phone", "phone", `購入者の電話番号は半角数字とハイフンの${MAX_PHONE}文字以内です`));
  const items = order.items.reduce((sum, item) => sum + item.unitPrice * BigInt(item.quantity), 0n);
  if (items + order.shippingFee + order.paymentFee !== order.billedAmount)
    found.push(problem("billed-amount", "not-the-sum", "請求金額が明細・送料・手数料の合計と一致しません"));
  if (order.billedAmount < 1n || order.billedAmount > MAX_YEN)
    found.push(problem("billed-amount", "out-of-range", `請求金額は1円から${MAX_YEN}円までです`));
  return found;
}

/** Everything that is wrong with a shipment, before anything is sent. */
function shipmentProblems(shipment) {
  const found = referenceProblems("registration.reference", shipment.registration.reference);
  if (!CARRIERS.some(([id]) => id === shipment.carrier))
    found.push(problem("carrier", "carrier", `この配送業者は${NAME}で使えません`));
  found.push(...textProblems("tracking-number", "伝票番号", shipment.trackingNumber, MAX_NUMBER));
  return found;
}

function mustBeRight(problems) {
  if (problems.length > 0) throw new Failed("invalid", problems);
}

function credit(settings, order, earlier) {
  mustBeRight(orderProblems(order, earlier));
  const { name, phone } = order.buyer;
  const told = ask(settings, "/register", order, { name, phone, amount: String(order.billedAmount) });
  return { transactionId: told.id, verdict: verdict(told) };
}

function checkCredit(settings, registration) {
  mustBeRight(referenceProblems("reference", registration.reference));
  try {
    const told = ask(settings, "/ask", registration, {});
    if (told.state === "CANCELLED") return { tag: "cancelled" };
    if (told.state === "SHIPPED") return { tag: "tracking-registered" };
    return { tag: "decided", val: { transactionId: told.id, verdict: verdict(told) } };
  } catch (error) {
    if (error?.failure?.val?.code === "NOT-FOUND") return { tag: "not-found" };
    throw error;
  }
}

function cancel(settings, { registration }) {
  mustBeRight(referenceProblems("registration.reference", registration.reference));
  mustBecome("CANCELLED", ask(settings, "/cancel", registration, {}));
}

function syncTracking(settings, shipment) {
  mustBeRight(shipmentProblems(shipment));
  const [, carrier] = CARRIERS.find(([id]) => id === shipment.carrier);
  const fields = { carrier, number: shipment.trackingNumber };
  mustBecome("SHIPPED", ask(settings, "/ship", shipment.registration, fields));
}

/** A success that says something else than what was asked for is none. */
function mustBecome(state, told) {
  if (told.state !== state) throw unknown(`${NAME}の回答の状態が${told.state}です`);
}

function verdict({ state, why }) {
  if (state === "OK") return { tag: "approved" };
  if (state === "NG") return { tag: "rejected", val: [reason(undefined, why)] };
  if (state === "WAIT") return { tag: "under-review" };
  if (state === "HOLD") return { tag: "on-hold", val: [reason(undefined, why)] };
  return { tag: "other", val: reason(state, "この版では意味のわからない与信結果です") };
}

/** Posts one form about a registration, and what the provider says of it: its id, its state, and why. */
function ask(settings, path, { reference, transactionId }, fields) {
  const shop = { shop: settings.get("shop-id"), key: settings.get("api-key"), order: reference };
  const form = new URLSearchParams({ ...shop, ...fields }).toString();
  const url = parseUrl(settings.get("base-url"));
  if (!url) throw new Failed("not-sent", reason(undefined, "接続先URLがURLではありません"));
  const response = send(url, path, "application/x-www-form-urlencoded; charset=UTF-8", new TextEncoder().encode(form));
  if (response.status !== 200) throw unknown(`${NAME}がHTTP ${response.status}を返しました`);
  const answer = readAnswer(response.body);
  if (!answer) throw unknown(`${NAME}の回答を読めません`);
  const text = (name) => answer.get(name) ?? "";
  const error = text("error");
  const words = reason(error, text("message"));
  // These two are about no order; whatever else is said has to be about this one.
  if (error === "AUTH") throw new Failed("unauthorized", words);
  if (error === "BUSY") throw new Failed("busy", [words, undefined]);
  if (text("order") !== reference) throw unknown(`${NAME}の回答がこの注文のものではありません`);
  const field = text("field");
  if (error === "INVALID") throw new Failed("invalid", [{ field: FIELD_PATHS[field] ?? field, reason: words }]);
  if (error === "EXISTS") throw new Failed("already", words);
  if (error === "STATE" || error === "NOT-FOUND") throw new Failed("refused", words);
  const id = text("id");
  if (error !== "" || id === "" || (transactionId && transactionId !== id))
    throw unknown(`${NAME}の回答がこの注文のものではありません`);
  return { id, state: text("state"), why: text("reason") };
}

const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The texts of an answer by their elements; nothing where it is not whole, or says something twice. */
function readAnswer(body) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
  const inner = /^\s*(?:<\?xml[^<>]*\?>)?\s*<answer>([\s\S]*)<\/answer>\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const found = [...inner.matchAll(/<([a-z]+)>([^<>]*)<\/\1>/g)];
  const plain = (value) => value.trim().replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => ENTITIES[name]);
  const texts = new Map(found.map(([, name, value]) => [name, plain(value)]));
  const rest = found.reduce((rest, [element]) => rest.replace(element, ""), inner);
  return texts.size === found.length && rest.trim() === "" ? texts : undefined;
}

/** What an error of `wasi:http` means. */
function sendFailure(code) {
  const tag = code?.tag ?? String(code);
  return NOT_SENT.has(tag) ? new Failed("not-sent", reason(undefined, tag)) : unknown(tag);
}

/** Sends one request and reads the whole response. Blocks. */
function send(url, path, contentType, body) {
  const text = (value) => new TextEncoder().encode(value);
  const headers = Fields.fromList([
    ["content-type", text(contentType)],
    ["user-agent", text("deferred-payment-provider/0.1.0")],
    ["accept", text("*/*")],
    ["accept-encoding", text("identity")],
    ["content-length", text(String(body.length))],
  ]);
  const request = new OutgoingRequest(headers);
  request.setMethod({ tag: "post" });
  request.setScheme({ tag: url.scheme === "http" ? "HTTP" : "HTTPS" });
  request.setAuthority(url.authority);
  request.setPathWithQuery(url.path + path);
  const outgoing = request.body();
  let pending;
  try {
    pending = handle(request, undefined);
  } catch (error) {
    throw sendFailure(error?.payload);
  }
  try {
    const stream = outgoing.write();
    for (let start = 0; start < body.length; start += WRITE_BYTES)
      stream.blockingWriteAndFlush(body.slice(start, start + WRITE_BYTES));
    stream[Symbol.dispose]();
    OutgoingBody.finish(outgoing, undefined);
  } catch {
    // The host does not take the body; the response says why.
  }
  pending.subscribe().block();
  const result = pending.get();
  if (result.tag !== "ok" || result.val.tag !== "ok") throw sendFailure(result.val?.val);
  const response = result.val.val;
  const incoming = response.consume();
  const stream = incoming.stream();
  const parts = [];
  for (;;) {
    try {
      parts.push(...stream.blockingRead(65536n));
    } catch (error) {
      if ((error?.payload ?? error)?.tag === "closed") break;
      throw unknown("回答が途中で切れました");
    }
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(incoming);
  return { status: response.status(), body: new Uint8Array(parts) };
}

/** A row for each of `rows`, by `act`. */
function each({ settings }, rows, act) {
  const values = readSettings(settings);
  return rows.map((one, index) => row(() => act(values, one, rows.slice(0, index))));
}

export const paymentProviderSync = {
  describe: () => ({
    id: "example-pay",
    name: label(NAME, "Example Pay"),
    version: "0.1.0",
    settings: FIELDS,
    carriers: CARRIERS.map(([id, , ja, en]) => ({ id, name: label(ja, en) })),
    batchLimits: { credit: 1, checkCredit: 1, cancel: 1, syncTracking: 1 },
    capabilities: { findByReference: true, uniqueReference: true, reportsCancel: true, reportsTracking: true },
    origins: [PRODUCTION],
    maxBilledAmount: MAX_YEN,
  }),
  checkSettings(settings) {
    const problems = settingProblems(settings);
    if (problems.length > 0) throw problems;
  },
  testConnection() {
    throw { tag: "unsupported" };
  },
  credit: (context, orders) => each(context, orders, credit),
  checkCredit: (context, registrations) => each(context, registrations, checkCredit),
  cancel: (context, cancellations) => each(context, cancellations, cancel),
  syncTracking: (context, shipments) => each(context, shipments, syncTracking),
};

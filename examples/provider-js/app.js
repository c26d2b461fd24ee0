// Example Pay as a provider plugin: an invented provider that only registers orders. The operations that it does not
// have are `unsupported`, with batch limit 0. The fee rule (手数料設定) is the host's.

import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, IncomingBody, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";

const NAME = "サンプル後払い";
const PRODUCTION = "https://api.example.jp";
const MAX_NAME = 30;
const MAX_SETTING = 64;
const MAX_YEN = 999_999n;
// What `blocking-write-and-flush` takes at once.
const WRITE_BYTES = 4096;

// Errors with which nothing can have been sent. With any other the outcome is unknown.
const NOT_SENT = new Set([
  "connection-limit-reached",
  "connection-refused",
  "destination-IP-prohibited",
  "destination-IP-unroutable",
  "destination-not-found",
  "destination-unavailable",
  "DNS-error",
  "DNS-timeout",
  "HTTP-request-body-size",
  "HTTP-request-denied",
  "HTTP-request-URI-invalid",
  "HTTP-request-URI-too-long",
  "TLS-certificate-error",
]);

const reason = (code, message) => ({ code, message });
const problem = (field, code, message) => ({ field, reason: reason(code, message) });
const label = (ja, en) => ({ ja, en });
const ok = (val) => ({ tag: "ok", val });
const err = (tag, val) => ({ tag: "err", val: val === undefined ? { tag } : { tag, val } });

const help = label("契約時に届きます。", "Sent with the contract.");
const FIELDS = [
  {
    key: "base-url",
    label: label("接続先URL", "Gateway URL"),
    help: label("通常は変更しません。", "Leave as it is."),
    kind: { tag: "url" },
    required: false,
    default: PRODUCTION,
    maxLength: undefined,
  },
  {
    key: "shop-id",
    label: label("店舗ID", "Shop id"),
    help,
    kind: { tag: "text" },
    required: true,
    default: undefined,
    maxLength: MAX_SETTING,
  },
  {
    key: "api-key",
    label: label("APIキー", "API key"),
    help,
    kind: { tag: "secret" },
    required: true,
    default: undefined,
    maxLength: MAX_SETTING,
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
    if (!known.has(key)) found.push(problem(key, "unknown", "この設定項目はありません"));
    else if (seen.has(key)) found.push(problem(key, "twice", "同じ設定項目が2つあります"));
    seen.add(key);
  }
  const values = readSettings(settings);
  for (const field of FIELDS) {
    const value = values.get(field.key);
    const say = (code, message) => found.push(problem(field.key, code, `${field.label.ja}${message}`));
    if (field.required && value.trim() === "") say("required", "を入力してください");
    else if (field.maxLength !== undefined && [...value].length > field.maxLength)
      say("too-long", `は${field.maxLength}文字までです`);
    else if (field.kind.tag === "url" && !parseUrl(value)) say("url", "がURLではありません");
    else if (hasControl(value)) say("control", "に使えない文字があります");
  }
  return found;
}

/** Everything that is wrong with an order, before anything is sent. */
function orderProblems(order, earlier) {
  const found = [];
  if (!/^[0-9A-Za-z_-]{1,20}$/.test(order.reference))
    found.push(problem("reference", "reference", "注文参照番号は半角英数字と_-で20文字までです"));
  if (earlier.some((other) => other.reference === order.reference))
    found.push(problem("reference", "twice", "同じ注文参照番号の注文があります"));
  const name = order.buyer.name;
  if (name.trim() === "") found.push(problem("buyer.name", "required", "購入者の氏名がありません"));
  else if ([...name].length > MAX_NAME)
    found.push(problem("buyer.name", "too-long", `購入者の氏名は${MAX_NAME}文字までです`));
  else if (hasControl(name)) found.push(problem("buyer.name", "control", "購入者の氏名に使えない文字があります"));
  const items = order.items.reduce((sum, item) => sum + item.unitPrice * BigInt(item.quantity), 0n);
  if (items + order.shippingFee + order.paymentFee !== order.billedAmount)
    found.push(problem("billed-amount", "sum", "請求金額が商品・送料・手数料の合計と一致しません"));
  if (order.billedAmount < 1n || order.billedAmount > MAX_YEN)
    found.push(problem("billed-amount", "amount-range", `請求金額は1円から${MAX_YEN}円までです`));
  return found;
}

class NotSent extends Error {}
class OutcomeUnknown extends Error {}

/** What an error of `wasi:http` means; `result`s are thrown with their value in `payload`. */
function asError(error) {
  if (error instanceof NotSent || error instanceof OutcomeUnknown) return error;
  const tag = error?.payload?.tag ?? error?.tag ?? String(error);
  return NOT_SENT.has(tag) ? new NotSent(tag) : new OutcomeUnknown(tag);
}

/** Sends one request and reads the whole response. Blocks. */
function send(url, path, contentType, body) {
  const text = (value) => new TextEncoder().encode(value);
  const headers = Fields.fromList([
    ["content-type", text(contentType)],
    ["content-length", text(String(body.length))],
    ["user-agent", text("example-pay-plugin")],
    ["accept", text("*/*")],
    ["accept-encoding", text("identity")],
  ]);
  const request = new OutgoingRequest(headers);
  request.setMethod({ tag: "post" });
  request.setScheme({ tag: url.scheme === "http" ? "HTTP" : "HTTPS" });
  request.setAuthority(url.authority);
  request.setPathWithQuery(url.path + path);
  const outgoing = request.body();
  const pending = handle(request, undefined);
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
  if (result.tag !== "ok" || result.val.tag !== "ok") throw asError(result.val.val);
  const response = result.val.val;
  const incoming = response.consume();
  const stream = incoming.stream();
  const parts = [];
  for (;;) {
    try {
      parts.push(...stream.blockingRead(65536n));
    } catch (error) {
      if ((error?.payload ?? error)?.tag === "closed") break;
      throw new OutcomeUnknown("回答が途中で切れました");
    }
  }
  stream[Symbol.dispose]();
  IncomingBody.finish(incoming);
  return { status: response.status(), body: new Uint8Array(parts) };
}

/** What the provider answered about this order. */
function understand(response, reference) {
  if (response.status !== 200) throw new OutcomeUnknown(`${NAME}がHTTPステータス${response.status}を返しました`);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(response.body);
  } catch {
    throw new OutcomeUnknown(`${NAME}の回答を読めません`);
  }
  const answer = /^\s*<answer>([\s\S]*)<\/answer>\s*$/.exec(text)?.[1] ?? "";
  const child = (name) => new RegExp(`<${name}>([^<>&]*)</${name}>`).exec(answer)?.[1].trim() ?? "";
  if (child("order") !== reference || child("id") === "")
    throw new OutcomeUnknown(`${NAME}の回答がこの注文のものではありません`);
  const verdicts = {
    OK: () => ({ tag: "approved" }),
    NG: () => ({ tag: "rejected", val: [reason(undefined, child("reason"))] }),
    WAIT: () => ({ tag: "under-review" }),
  };
  const other = () => ({ tag: "other", val: reason(child("verdict"), "この版では意味のわからない与信結果です") });
  return { transactionId: child("id"), verdict: (verdicts[child("verdict")] ?? other)() };
}

function register(settings, order, earlier) {
  const problems = orderProblems(order, earlier);
  if (problems.length > 0) return err("invalid", problems);
  const fields = {
    shop: settings.get("shop-id"),
    key: settings.get("api-key"),
    order: order.reference,
    name: order.buyer.name,
    amount: String(order.billedAmount),
  };
  try {
    const body = new TextEncoder().encode(new URLSearchParams(fields).toString());
    const url = parseUrl(settings.get("base-url"));
    const response = send(url, "/register", "application/x-www-form-urlencoded", body);
    return ok(understand(response, order.reference));
  } catch (thrown) {
    const error = asError(thrown);
    return err(error instanceof NotSent ? "not-sent" : "outcome-unknown", reason(undefined, error.message));
  }
}

export const paymentProviderSync = {
  describe: () => ({
    id: "example-pay",
    name: label(NAME, "Example Pay"),
    version: "0.1.0",
    settings: FIELDS,
    carriers: [],
    batchLimits: { credit: 1, checkCredit: 0, cancel: 0, syncTracking: 0 },
    capabilities: {},
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
  credit(context, orders) {
    const settings = readSettings(context.settings);
    return orders.map((order, index) => register(settings, order, orders.slice(0, index)));
  },
  checkCredit: (context, registrations) => registrations.map(() => err("unsupported")),
  cancel: (context, cancellations) => cancellations.map(() => err("unsupported")),
  syncTracking: (context, shipments) => shipments.map(() => err("unsupported")),
};

"""Example Pay as a provider plugin: an invented provider that only registers orders.

The operations that it does not have are `unsupported`, with batch limit 0. The fee rule (手数料設定) is the host's.
"""

import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import outgoing_handler
from wit_world.imports.deferred_payment_provider_types import (
    BatchLimits,
    Capability,
    Context,
    Decision,
    Failure_Invalid,
    Failure_NotSent,
    Failure_OutcomeUnknown,
    Failure_Unsupported,
    FieldProblem,
    Label,
    Order,
    ProviderInfo,
    Reason,
    Setting,
    SettingField,
    SettingKind_Secret,
    SettingKind_Text,
    SettingKind_Url,
    Verdict_Approved,
    Verdict_Other,
    Verdict_Rejected,
    Verdict_UnderReview,
)
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (
    ErrorCode_ConnectionLimitReached,
    ErrorCode_ConnectionRefused,
    ErrorCode_DestinationIpProhibited,
    ErrorCode_DestinationIpUnroutable,
    ErrorCode_DestinationNotFound,
    ErrorCode_DestinationUnavailable,
    ErrorCode_DnsError,
    ErrorCode_DnsTimeout,
    ErrorCode_HttpRequestBodySize,
    ErrorCode_HttpRequestDenied,
    ErrorCode_HttpRequestUriInvalid,
    ErrorCode_HttpRequestUriTooLong,
    ErrorCode_TlsCertificateError,
    Fields,
    IncomingBody,
    Method_Post,
    OutgoingBody,
    OutgoingRequest,
    Scheme_Http,
    Scheme_Https,
)

NAME = "サンプル後払い"
PRODUCTION = "https://api.example.jp"
MAX_NAME = 30
MAX_SETTING = 64
MAX_YEN = 999_999
# What `blocking-write-and-flush` takes at once.
WRITE_BYTES = 4096

# Errors with which nothing can have been sent. With any other the outcome is unknown.
NOT_SENT = (
    ErrorCode_ConnectionLimitReached,
    ErrorCode_ConnectionRefused,
    ErrorCode_DestinationIpProhibited,
    ErrorCode_DestinationIpUnroutable,
    ErrorCode_DestinationNotFound,
    ErrorCode_DestinationUnavailable,
    ErrorCode_DnsError,
    ErrorCode_DnsTimeout,
    ErrorCode_HttpRequestBodySize,
    ErrorCode_HttpRequestDenied,
    ErrorCode_HttpRequestUriInvalid,
    ErrorCode_HttpRequestUriTooLong,
    ErrorCode_TlsCertificateError,
)


def reason(code, message):
    return Reason(code, message)


def problem(field, code, message):
    return FieldProblem(field, reason(code, message))


@dataclass
class Response:
    """A whole response."""

    status: int
    content_type: str
    body: bytes


class NotSent(Exception):
    """No byte of the request can have reached the provider."""


class OutcomeUnknown(Exception):
    """The request was sent, and there is no whole response that can be understood."""


FIELDS = [
    SettingField(
        "base-url",
        Label("接続先URL", "Gateway URL"),
        Label("通常は変更しません。", "Leave as it is."),
        SettingKind_Url(),
        False,
        PRODUCTION,
        None,
    ),
    SettingField(
        "shop-id",
        Label("店舗ID", "Shop id"),
        Label("契約時に届きます。", "Sent with the contract."),
        SettingKind_Text(),
        True,
        None,
        MAX_SETTING,
    ),
    SettingField(
        "api-key",
        Label("APIキー", "API key"),
        Label("契約時に届きます。", "Sent with the contract."),
        SettingKind_Secret(),
        True,
        None,
        MAX_SETTING,
    ),
]


def read_settings(settings: list[Setting]) -> dict[str, str]:
    """The shop's settings by key, with the defaults of those that are empty."""
    values = {field.key: field.default or "" for field in FIELDS}
    values.update({setting.key: setting.value for setting in settings if setting.value})
    return values


def is_url(text: str) -> bool:
    try:
        url = urllib.parse.urlsplit(text)
        url.port
    except ValueError:
        return False
    plain = url.username is None and not url.query and not url.fragment
    return url.scheme in ("http", "https") and bool(url.hostname) and plain and text.isascii() and text.isprintable()


def setting_problems(settings: list[Setting]) -> list[FieldProblem]:
    """Everything that is wrong with a shop's settings."""
    known = {field.key for field in FIELDS}
    keys = [setting.key for setting in settings]
    found = [problem(key, "unknown", "この設定項目はありません") for key in keys if key not in known]
    found += [problem(key, "twice", "同じ設定項目が2つあります") for key in known if keys.count(key) > 1]
    values = read_settings(settings)
    for field in FIELDS:
        value = values[field.key]
        if field.required and not value.strip():
            found.append(problem(field.key, "required", f"{field.label.ja}を入力してください"))
        elif field.max_length is not None and len(value) > field.max_length:
            found.append(problem(field.key, "too-long", f"{field.label.ja}は{field.max_length}文字までです"))
        elif isinstance(field.kind, SettingKind_Url) and not is_url(value):
            found.append(problem(field.key, "url", f"{field.label.ja}がURLではありません"))
        elif not value.isprintable():
            found.append(problem(field.key, "control", f"{field.label.ja}に使えない文字があります"))
    return found


def order_problems(order: Order, earlier: list[Order]) -> list[FieldProblem]:
    """Everything that is wrong with an order, before anything is sent."""
    found = []
    reference = order.reference
    allowed = all(c.isascii() and (c.isalnum() or c in "_-") for c in reference)
    if not (1 <= len(reference) <= 20 and allowed):
        found.append(problem("reference", "reference", "注文参照番号は半角英数字と_-で20文字までです"))
    if any(other.reference == reference for other in earlier):
        found.append(problem("reference", "twice", "同じ注文参照番号の注文があります"))
    name = order.buyer.name
    if not name.strip():
        found.append(problem("buyer.name", "required", "購入者の氏名がありません"))
    elif len(name) > MAX_NAME:
        found.append(problem("buyer.name", "too-long", f"購入者の氏名は{MAX_NAME}文字までです"))
    elif not name.isprintable():
        found.append(problem("buyer.name", "control", "購入者の氏名に使えない文字があります"))
    items = sum(item.unit_price * item.quantity for item in order.items)
    if items + order.shipping_fee + order.payment_fee != order.billed_amount:
        found.append(problem("billed-amount", "sum", "請求金額が商品・送料・手数料の合計と一致しません"))
    if not 1 <= order.billed_amount <= MAX_YEN:
        found.append(problem("billed-amount", "amount-range", f"請求金額は1円から{MAX_YEN}円までです"))
    return found


def send(url: str, content_type: str, body: bytes) -> Response:
    """Sends one request and reads the whole response. Blocks."""
    headers = Fields.from_list(
        [
            ("content-type", content_type.encode()),
            ("content-length", str(len(body)).encode()),
            ("user-agent", b"example-pay-plugin"),
            ("accept", b"*/*"),
            ("accept-encoding", b"identity"),
        ]
    )
    parts = urllib.parse.urlsplit(url)
    request = OutgoingRequest(headers)
    request.set_method(Method_Post())
    request.set_scheme(Scheme_Http() if parts.scheme == "http" else Scheme_Https())
    request.set_authority(parts.netloc)
    request.set_path_with_query(parts.path or "/")
    outgoing = request.body()
    try:
        pending = outgoing_handler.handle(request, None)
        try:
            with outgoing.write() as stream:
                for start in range(0, len(body), WRITE_BYTES):
                    stream.blocking_write_and_flush(body[start : start + WRITE_BYTES])
            OutgoingBody.finish(outgoing, None)
        except Err:
            # The host does not take the body; the response says why.
            pass
        return receive(pending)
    except Err as error:
        raise as_exception(error.value) from error


def receive(pending) -> Response:
    pending.subscribe().block()
    result = pending.get()
    if not isinstance(result, Ok) or not isinstance(result.value, Ok):
        raise as_exception(result.value.value)
    response = result.value.value
    content_type = response.headers().get("content-type")
    incoming = response.consume()
    body = bytearray()
    with incoming.stream() as stream:
        while True:
            try:
                body += stream.blocking_read(1 << 16)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    break
                raise OutcomeUnknown("回答が途中で切れました") from error
    IncomingBody.finish(incoming)
    return Response(response.status(), content_type[0].decode("latin-1") if content_type else "", bytes(body))


def as_exception(code) -> Exception:
    kind = NotSent if isinstance(code, NOT_SENT) else OutcomeUnknown
    return kind(type(code).__name__)


def understand(response: Response, reference: str) -> Decision:
    """What the provider answered about this order, or `OutcomeUnknown`."""
    if response.status != 200:
        raise OutcomeUnknown(f"{NAME}がHTTPステータス{response.status}を返しました")
    try:
        answer = ElementTree.fromstring(response.body.decode("utf-8"))
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise OutcomeUnknown(f"{NAME}の回答を読めません") from error
    text = lambda name: (answer.findtext(name) or "").strip()
    if answer.tag != "answer" or text("order") != reference or not text("id"):
        raise OutcomeUnknown(f"{NAME}の回答がこの注文のものではありません")
    match text("verdict"):
        case "OK":
            verdict = Verdict_Approved()
        case "NG":
            verdict = Verdict_Rejected([reason(None, text("reason"))])
        case "WAIT":
            verdict = Verdict_UnderReview()
        case other:
            verdict = Verdict_Other(reason(other, "この版では意味のわからない与信結果です"))
    return Decision(text("id"), verdict)


def register(settings: dict[str, str], order: Order, earlier: list[Order]):
    problems = order_problems(order, earlier)
    if problems:
        return Err(Failure_Invalid(problems))
    form = urllib.parse.urlencode(
        {
            "shop": settings["shop-id"],
            "key": settings["api-key"],
            "order": order.reference,
            "name": order.buyer.name,
            "amount": order.billed_amount,
        }
    )
    url = settings["base-url"].rstrip("/") + "/register"
    try:
        response = send(url, "application/x-www-form-urlencoded", form.encode())
        return Ok(understand(response, order.reference))
    except NotSent as error:
        return Err(Failure_NotSent(reason(None, str(error))))
    except OutcomeUnknown as error:
        return Err(Failure_OutcomeUnknown(reason(None, str(error))))


class PaymentProviderSync(exports.PaymentProviderSync):
    def describe(self) -> ProviderInfo:
        return ProviderInfo(
            id="example-pay",
            name=Label(NAME, "Example Pay"),
            version="0.1.0",
            settings=FIELDS,
            carriers=[],
            batch_limits=BatchLimits(credit=1, check_credit=0, cancel=0, sync_tracking=0),
            capabilities=Capability(0),
            origins=[PRODUCTION],
            max_billed_amount=MAX_YEN,
        )

    def check_settings(self, settings: list[Setting]) -> None:
        problems = setting_problems(settings)
        if problems:
            raise Err(problems)

    def test_connection(self, context: Context) -> None:
        raise Err(Failure_Unsupported())

    def credit(self, context: Context, orders: list[Order]):
        settings = read_settings(context.settings)
        return [register(settings, order, orders[:index]) for index, order in enumerate(orders)]

    def check_credit(self, context: Context, registrations):
        return [Err(Failure_Unsupported()) for _ in registrations]

    def cancel(self, context: Context, cancellations):
        return [Err(Failure_Unsupported()) for _ in cancellations]

    def sync_tracking(self, context: Context, shipments):
        return [Err(Failure_Unsupported()) for _ in shipments]

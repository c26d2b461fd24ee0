"""Example Pay as a provider plugin: an invented provider with four calls.

Each is a form that is posted and an answer in XML. `/register` takes an order; `/ask`, `/cancel` and `/ship` name it by
its reference. The fee rule (手数料設定) is the host's.
"""

import re
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import outgoing_handler
from wit_world.imports.deferred_payment_provider_types import (
    BatchLimits,
    Cancellation,
    Capability,
    Carrier,
    Context,
    Decision,
    Failure,
    Failure_Already,
    Failure_Busy,
    Failure_Invalid,
    Failure_NotSent,
    Failure_OutcomeUnknown,
    Failure_Refused,
    Failure_Unauthorized,
    Failure_Unsupported,
    FieldProblem,
    Label,
    Order,
    ProviderInfo,
    Reason,
    Registration,
    Setting,
    SettingField,
    SettingKind_Digits,
    SettingKind_Secret,
    SettingKind_Url,
    Shipment,
    Standing,
    Standing_Cancelled,
    Standing_Decided,
    Standing_NotFound,
    Standing_TrackingRegistered,
    Verdict,
    Verdict_Approved,
    Verdict_OnHold,
    Verdict_Other,
    Verdict_Rejected,
    Verdict_UnderReview,
)
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (
    ErrorCode_ConnectionLimitReached,
    ErrorCode_ConnectionRefused,
    ErrorCode_ConnectionTimeout,
    ErrorCode_DestinationIpProhibited,
    ErrorCode_DestinationIpUnroutable,
    ErrorCode_DestinationNotFound,
    ErrorCode_DestinationUnavailable,
    ErrorCode_DnsError,
    ErrorCode_DnsTimeout,
    ErrorCode_HttpRequestDenied,
    ErrorCode_HttpRequestHeaderSectionSize,
    ErrorCode_HttpRequestHeaderSize,
    ErrorCode_HttpRequestLengthRequired,
    ErrorCode_HttpRequestMethodInvalid,
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
MAX_PHONE = 13
MAX_NUMBER = 20
MAX_YEN = 999_999
# What `blocking-write-and-flush` takes at once.
WRITE_BYTES = 4096

# Errors with which nothing can have been sent. With any other the outcome is unknown.
NOT_SENT = (
    ErrorCode_ConnectionLimitReached,
    ErrorCode_ConnectionRefused,
    ErrorCode_ConnectionTimeout,
    ErrorCode_DestinationIpProhibited,
    ErrorCode_DestinationIpUnroutable,
    ErrorCode_DestinationNotFound,
    ErrorCode_DestinationUnavailable,
    ErrorCode_DnsError,
    ErrorCode_DnsTimeout,
    ErrorCode_HttpRequestDenied,
    ErrorCode_HttpRequestHeaderSectionSize,
    ErrorCode_HttpRequestHeaderSize,
    ErrorCode_HttpRequestLengthRequired,
    ErrorCode_HttpRequestMethodInvalid,
    ErrorCode_HttpRequestUriInvalid,
    ErrorCode_HttpRequestUriTooLong,
    ErrorCode_TlsCertificateError,
)

# Carriers: the contract's id, the provider's code, and the name.
CARRIERS = [
    ("sagawa", "SAGAWA", "佐川急便", "Sagawa Express"),
    ("yamato", "YAMATO", "ヤマト運輸", "Yamato Transport"),
    ("japan-post", "POST", "日本郵便", "Japan Post"),
]

# What the provider calls a field that is wrong, and what the contract calls it.
FIELD_PATHS = {
    "order": "reference",
    "name": "buyer.name",
    "phone": "buyer.phone",
    "amount": "billed-amount",
    "carrier": "carrier",
    "number": "tracking-number",
}


def reason(code, message):
    return Reason(code, message)


def problem(field, code, message):
    return FieldProblem(field, reason(code, message))


class Failed(Exception):
    """Why a row failed: one of the contract's failures."""

    def __init__(self, failure: Failure):
        super().__init__(type(failure).__name__)
        self.failure = failure


def unknown(message) -> Failed:
    return Failed(Failure_OutcomeUnknown(reason(None, message)))


def row(act, *arguments):
    """What `act` returns, or why it failed, as a row of an answer."""
    try:
        return Ok(act(*arguments))
    except Failed as failed:
        return Err(failed.failure)


FIELDS = [
    SettingField(
        "base-url",
        Label("接続先URL", "Gateway URL"),
        Label("通常は変更しません。", "Leave as it is."),
        SettingKind_Url(),
        True,
        PRODUCTION,
        200,
    ),
    SettingField(
        "shop-id",
        Label("店舗ID", "Shop ID"),
        Label("契約時に届きます。", "Sent with the contract."),
        SettingKind_Digits(),
        True,
        None,
        10,
    ),
    SettingField(
        "api-key",
        Label("APIキー", "API key"),
        Label("契約時に届きます。", "Sent with the contract."),
        SettingKind_Secret(),
        True,
        None,
        40,
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
    found = [problem(key, "unknown-setting", "この名前の設定項目はありません") for key in keys if key not in known]
    found += [problem(key, "setting-twice", "同じ設定項目が二度あります") for key in known if keys.count(key) > 1]
    values = read_settings(settings)
    for field in FIELDS:
        value = values[field.key]
        if field.required and not value.strip():
            found.append(problem(field.key, "required", f"{field.label.ja}を入力してください"))
        elif field.max_length is not None and len(value) > field.max_length:
            found.append(problem(field.key, "too-long", f"{field.label.ja}は{field.max_length}文字までです"))
        elif isinstance(field.kind, SettingKind_Digits) and not re.fullmatch("[0-9]*", value):
            found.append(problem(field.key, "digits", f"{field.label.ja}は半角数字です"))
        elif isinstance(field.kind, SettingKind_Url) and not is_url(value):
            found.append(problem(field.key, "url", f"{field.label.ja}がURLではありません"))
        elif not value.isprintable():
            found.append(problem(field.key, "control", f"{field.label.ja}に使えない文字があります"))
    return found


def reference_problems(field: str, reference: str) -> list[FieldProblem]:
    """Everything that is wrong with a reference; `field` is its path in the contract."""
    if re.fullmatch("[0-9A-Za-z_-]{1,20}", reference):
        return []
    return [problem(field, "reference", "注文番号は半角英数字・ハイフン・下線の20文字以内です")]


def text_problems(field: str, name: str, text: str, limit: int) -> list[FieldProblem]:
    """Everything that is wrong with a text that has to be there."""
    if not text.strip():
        return [problem(field, "required", f"{name}を入力してください")]
    if len(text) > limit:
        return [problem(field, "too-long", f"{name}は{limit}文字以内です")]
    if not text.replace("\u3000", " ").isprintable():
        return [problem(field, "characters", f"{name}に使えない文字があります")]
    return []


def order_problems(order: Order, earlier: list[Order]) -> list[FieldProblem]:
    """Everything that is wrong with an order, before anything is sent."""
    found = reference_problems("reference", order.reference)
    if any(other.reference == order.reference for other in earlier):
        found.append(problem("reference", "reference-twice", "同じ注文番号が一度の呼び出しに二度あります"))
    found += text_problems("buyer.name", "購入者の氏名", order.buyer.name, MAX_NAME)
    phone = order.buyer.phone
    if len(phone) > MAX_PHONE or not re.fullmatch("[0-9-]*[0-9][0-9-]*", phone):
        words = f"購入者の電話番号は半角数字とハイフンの{MAX_PHONE}文字以内です"
        found.append(problem("buyer.phone", "phone", words))
    items = sum(item.unit_price * item.quantity for item in order.items)
    if items + order.shipping_fee + order.payment_fee != order.billed_amount:
        found.append(problem("billed-amount", "not-the-sum", "請求金額が明細・送料・手数料の合計と一致しません"))
    if not 1 <= order.billed_amount <= MAX_YEN:
        found.append(problem("billed-amount", "out-of-range", f"請求金額は1円から{MAX_YEN}円までです"))
    return found


def shipment_problems(shipment: Shipment) -> list[FieldProblem]:
    """Everything that is wrong with a shipment, before anything is sent."""
    found = reference_problems("registration.reference", shipment.registration.reference)
    if not any(carrier == shipment.carrier for carrier, *_ in CARRIERS):
        found.append(problem("carrier", "carrier", f"この配送業者は{NAME}で使えません"))
    return found + text_problems("tracking-number", "伝票番号", shipment.tracking_number, MAX_NUMBER)


def must_be_right(problems: list[FieldProblem]) -> None:
    if problems:
        raise Failed(Failure_Invalid(problems))


def credit(settings: dict[str, str], order: Order, earlier: list[Order]) -> Decision:
    must_be_right(order_problems(order, earlier))
    fields = {"name": order.buyer.name, "phone": order.buyer.phone, "amount": order.billed_amount}
    told = ask(settings, "/register", order.reference, None, fields)
    return Decision(told.id, verdict(told))


def check_credit(settings: dict[str, str], registration: Registration) -> Standing:
    must_be_right(reference_problems("reference", registration.reference))
    try:
        told = ask(settings, "/ask", registration.reference, registration.transaction_id, {})
    except Failed as failed:
        if isinstance(failed.failure, Failure_Refused) and failed.failure.value.code == "NOT-FOUND":
            return Standing_NotFound()
        raise
    match told.state:
        case "CANCELLED":
            return Standing_Cancelled()
        case "SHIPPED":
            return Standing_TrackingRegistered()
        case _:
            return Standing_Decided(Decision(told.id, verdict(told)))


def cancel(settings: dict[str, str], cancellation: Cancellation) -> None:
    registration = cancellation.registration
    must_be_right(reference_problems("registration.reference", registration.reference))
    must_become("CANCELLED", ask(settings, "/cancel", registration.reference, registration.transaction_id, {}))


def sync_tracking(settings: dict[str, str], shipment: Shipment) -> None:
    must_be_right(shipment_problems(shipment))
    carrier = next(code for carrier, code, *_ in CARRIERS if carrier == shipment.carrier)
    fields = {"carrier": carrier, "number": shipment.tracking_number}
    registration = shipment.registration
    must_become("SHIPPED", ask(settings, "/ship", registration.reference, registration.transaction_id, fields))


@dataclass
class Told:
    """What the provider says of a registration."""

    id: str
    state: str
    why: str


def must_become(state: str, told: Told) -> None:
    """A success that says something else than what was asked for is none."""
    if told.state != state:
        raise unknown(f"{NAME}の回答の状態が{told.state}です")


def verdict(told: Told) -> Verdict:
    match told.state:
        case "OK":
            return Verdict_Approved()
        case "NG":
            return Verdict_Rejected([reason(None, told.why)])
        case "WAIT":
            return Verdict_UnderReview()
        case "HOLD":
            return Verdict_OnHold([reason(None, told.why)])
        case other:
            return Verdict_Other(reason(other, "この版では意味のわからない与信結果です"))


def ask(settings: dict[str, str], path: str, reference: str, known_id: str | None, fields: dict) -> Told:
    """Posts one form about a registration, and reads what the provider says of it."""
    shop = {"shop": settings["shop-id"], "key": settings["api-key"], "order": reference}
    form = urllib.parse.urlencode(shop | fields).encode()
    url = settings["base-url"].rstrip("/") + path
    status, body = send(url, "application/x-www-form-urlencoded; charset=UTF-8", form)
    if status != 200:
        raise unknown(f"{NAME}がHTTP {status}を返しました")
    answer = read_answer(body)
    text = lambda name: answer.get(name, "")
    error = text("error")
    words = reason(error, text("message"))
    # These two are about no order; whatever else is said has to be about this one.
    if error == "AUTH":
        raise Failed(Failure_Unauthorized(words))
    if error == "BUSY":
        raise Failed(Failure_Busy((words, None)))
    if text("order") != reference:
        raise unknown(f"{NAME}の回答がこの注文のものではありません")
    if error == "INVALID":
        field = FIELD_PATHS.get(text("field"), text("field"))
        raise Failed(Failure_Invalid([FieldProblem(field, words)]))
    if error == "EXISTS":
        raise Failed(Failure_Already(words))
    if error in ("STATE", "NOT-FOUND"):
        raise Failed(Failure_Refused(words))
    id = text("id")
    if error or not id or (known_id and known_id != id):
        raise unknown(f"{NAME}の回答がこの注文のものではありません")
    return Told(id, text("state"), text("reason"))


def read_answer(body: bytes) -> dict[str, str]:
    """The texts of an answer by their elements. One that is not whole, or says something twice, is not believed."""
    try:
        answer = ElementTree.fromstring(body.decode("utf-8"))
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise unknown(f"{NAME}の回答を読めません") from error
    texts = {element.tag: (element.text or "").strip() for element in answer}
    if answer.tag != "answer" or len(texts) != len(answer):
        raise unknown(f"{NAME}の回答を読めません")
    return texts


def send(url: str, content_type: str, body: bytes) -> tuple[int, bytes]:
    """Sends one request and reads the whole response: its status and its body. Blocks."""
    headers = Fields.from_list(
        [
            ("content-type", content_type.encode()),
            ("user-agent", b"deferred-payment-provider/0.1.0"),
            ("accept", b"*/*"),
            ("accept-encoding", b"identity"),
            ("content-length", str(len(body)).encode()),
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
        raise send_failure(error.value) from error


def receive(pending) -> tuple[int, bytes]:
    pending.subscribe().block()
    result = pending.get()
    if not isinstance(result, Ok) or not isinstance(result.value, Ok):
        raise send_failure(result.value.value)
    response = result.value.value
    incoming = response.consume()
    body = bytearray()
    with incoming.stream() as stream:
        while True:
            try:
                body += stream.blocking_read(1 << 16)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    break
                raise unknown("回答が途中で切れました") from error
    IncomingBody.finish(incoming)
    return response.status(), bytes(body)


def send_failure(code) -> Failed:
    """What an error of `wasi:http` means."""
    words = type(code).__name__
    return Failed(Failure_NotSent(reason(None, words))) if isinstance(code, NOT_SENT) else unknown(words)


class PaymentProviderSync(exports.PaymentProviderSync):
    def describe(self) -> ProviderInfo:
        return ProviderInfo(
            id="example-pay",
            name=Label(NAME, "Example Pay"),
            version="0.1.0",
            settings=FIELDS,
            carriers=[Carrier(id, Label(ja, en)) for id, _, ja, en in CARRIERS],
            batch_limits=BatchLimits(credit=1, check_credit=1, cancel=1, sync_tracking=1),
            capabilities=Capability.FIND_BY_REFERENCE
            | Capability.UNIQUE_REFERENCE
            | Capability.REPORTS_CANCEL
            | Capability.REPORTS_TRACKING,
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
        return [row(credit, settings, order, orders[:index]) for index, order in enumerate(orders)]

    def check_credit(self, context: Context, registrations: list[Registration]):
        settings = read_settings(context.settings)
        return [row(check_credit, settings, registration) for registration in registrations]

    def cancel(self, context: Context, cancellations: list[Cancellation]):
        settings = read_settings(context.settings)
        return [row(cancel, settings, cancellation) for cancellation in cancellations]

    def sync_tracking(self, context: Context, shipments: list[Shipment]):
        settings = read_settings(context.settings)
        return [row(sync_tracking, settings, shipment) for shipment in shipments]

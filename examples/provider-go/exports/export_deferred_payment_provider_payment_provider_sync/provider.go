// Package export_deferred_payment_provider_payment_provider_sync is Example Pay as a provider plugin: an invented
// provider with four calls, each a form that is posted and an answer in XML. `/register` takes an order; `/ask`,
// `/cancel` and `/ship` name it by its reference. The fee rule (手数料設定) is the host's. The package has the name that
// the generated bindings import.
package export_deferred_payment_provider_payment_provider_sync

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "example-pay/imports/deferred_payment_provider_types"
)

const (
	name       = "サンプル後払い"
	production = "https://api.example.jp"
	maxName    = 30
	maxPhone   = 13
	maxNumber  = 20
	maxYen     = 999_999
)

// carriers are in the contract's words, with the provider's code.
var carriers = []struct {
	Carrier
	code string
}{
	{Carrier{Id: "sagawa", Name: Label{Ja: "佐川急便", En: "Sagawa Express"}}, "SAGAWA"},
	{Carrier{Id: "yamato", Name: Label{Ja: "ヤマト運輸", En: "Yamato Transport"}}, "YAMATO"},
	{Carrier{Id: "japan-post", Name: Label{Ja: "日本郵便", En: "Japan Post"}}, "POST"},
}

// fieldPaths has what the provider calls a field that is wrong, and what the contract calls it.
var fieldPaths = map[string]string{
	"order":   "reference",
	"name":    "buyer.name",
	"phone":   "buyer.phone",
	"amount":  "billed-amount",
	"carrier": "carrier",
	"number":  "tracking-number",
}

var help = Label{Ja: "契約時に届きます。", En: "Sent with the contract."}

var fields = []SettingField{
	{
		Key: "base-url", Label: Label{Ja: "接続先URL", En: "Gateway URL"},
		Help: Label{Ja: "通常は変更しません。", En: "Leave as it is."},
		Kind: MakeSettingKindUrl(), Required: true, Default: Some(production), MaxLength: Some[uint32](200),
	},
	{
		Key: "shop-id", Label: Label{Ja: "店舗ID", En: "Shop ID"}, Help: help,
		Kind: MakeSettingKindDigits(), Required: true, Default: None[string](), MaxLength: Some[uint32](10),
	},
	{
		Key: "api-key", Label: Label{Ja: "APIキー", En: "API key"}, Help: help,
		Kind: MakeSettingKindSecret(), Required: true, Default: None[string](), MaxLength: Some[uint32](40),
	},
}

func Describe() ProviderInfo {
	known := make([]Carrier, len(carriers))
	for at, carrier := range carriers {
		known[at] = carrier.Carrier
	}
	return ProviderInfo{
		Id: "example-pay", Name: Label{Ja: name, En: "Example Pay"}, Version: "0.1.0",
		Settings: fields, Carriers: known,
		BatchLimits:  BatchLimits{Credit: 1, CheckCredit: 1, Cancel: 1, SyncTracking: 1},
		Capabilities: Capability_FindByReference | Capability_UniqueReference |
			Capability_ReportsCancel | Capability_ReportsTracking,
		Origins:      []string{production}, MaxBilledAmount: Some[int64](maxYen),
	}
}

func CheckSettings(settings []Setting) Result[Unit, []FieldProblem] {
	if problems := settingProblems(settings); len(problems) > 0 {
		return Err[Unit](problems)
	}
	return Ok[Unit, []FieldProblem](Unit{})
}

func TestConnection(Context) Result[Unit, Failure] {
	return Err[Unit](MakeFailureUnsupported())
}

func Credit(context Context, orders []Order) []Result[Decision, Failure] {
	return each(context, orders, func(settings map[string]string, order Order, earlier []Order) (Decision, error) {
		return credit(settings, order, earlier)
	})
}

func CheckCredit(context Context, registrations []Registration) []Result[Standing, Failure] {
	return each(context, registrations, func(settings map[string]string, asked Registration, _ []Registration) (Standing, error) {
		return checkCredit(settings, asked)
	})
}

func Cancel(context Context, cancellations []Cancellation) []Result[Unit, Failure] {
	return each(context, cancellations, func(settings map[string]string, asked Cancellation, _ []Cancellation) (Unit, error) {
		return Unit{}, cancel(settings, asked.Registration)
	})
}

func SyncTracking(context Context, shipments []Shipment) []Result[Unit, Failure] {
	return each(context, shipments, func(settings map[string]string, shipment Shipment, _ []Shipment) (Unit, error) {
		return Unit{}, syncTracking(settings, shipment)
	})
}

// failed is why a row failed: one of the contract's failures.
type failed struct{ failure Failure }

func (failed) Error() string { return "the row failed" }

func unknown(message string) error {
	return failed{MakeFailureOutcomeUnknown(reason(message))}
}

// each makes a row for each of asked, by act, which is also given those before it.
func each[A, T any](context Context, asked []A, act func(map[string]string, A, []A) (T, error)) []Result[T, Failure] {
	settings := readSettings(context.Settings)
	rows := make([]Result[T, Failure], len(asked))
	for at, one := range asked {
		value, err := act(settings, one, asked[:at])
		var why failed
		if errors.As(err, &why) {
			rows[at] = Err[T](why.failure)
		} else {
			rows[at] = Ok[T, Failure](value)
		}
	}
	return rows
}

// readSettings returns the shop's settings by key, with the defaults of those that are empty.
func readSettings(settings []Setting) map[string]string {
	values := map[string]string{}
	for _, field := range fields {
		values[field.Key] = field.Default.SomeOr("")
	}
	for _, setting := range settings {
		if setting.Value != "" {
			values[setting.Key] = setting.Value
		}
	}
	return values
}

// settingProblems returns everything that is wrong with a shop's settings.
func settingProblems(settings []Setting) []FieldProblem {
	var found []FieldProblem
	values := readSettings(settings)
	known := map[string]bool{}
	for _, field := range fields {
		known[field.Key] = true
		value := values[field.Key]
		say := func(code, message string) {
			found = append(found, problem(field.Key, code, field.Label.Ja+message))
		}
		_, isUrl := parseUrl(value)
		switch {
		case field.Required && strings.TrimSpace(value) == "":
			say("required", "を入力してください")
		case field.MaxLength.IsSome() && utf8.RuneCountInString(value) > int(field.MaxLength.Some()):
			say("too-long", fmt.Sprintf("は%d文字までです", field.MaxLength.Some()))
		case field.Kind.Tag() == SettingKind_Digits && strings.Trim(value, "0123456789") != "":
			say("digits", "は半角数字です")
		case field.Kind.Tag() == SettingKind_Url && !isUrl:
			say("url", "がURLではありません")
		case hasControl(value):
			say("control", "に使えない文字があります")
		}
	}
	seen := map[string]bool{}
	for _, setting := range settings {
		switch {
		case !known[setting.Key]:
			found = append(found, problem(setting.Key, "unknown-setting", "この名前の設定項目はありません"))
		case seen[setting.Key]:
			found = append(found, problem(setting.Key, "setting-twice", "同じ設定項目が二度あります"))
		}
		seen[setting.Key] = true
	}
	return found
}

var referenceForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,20}$`)
var phoneForm = regexp.MustCompile(`^[0-9-]*[0-9][0-9-]*$`)

// problems is everything that is wrong with what is to be sent.
type problems []FieldProblem

func (found *problems) add(field, code, message string) {
	*found = append(*found, problem(field, code, message))
}

// reference has to be as the contract says; field is its path there.
func (found *problems) reference(field, reference string) {
	if !referenceForm.MatchString(reference) {
		found.add(field, "reference", "注文番号は半角英数字・ハイフン・下線の20文字以内です")
	}
}

// text has to be there.
func (found *problems) text(field, name, text string, limit int) {
	switch {
	case strings.TrimSpace(text) == "":
		found.add(field, "required", name+"を入力してください")
	case utf8.RuneCountInString(text) > limit:
		found.add(field, "too-long", fmt.Sprintf("%sは%d文字以内です", name, limit))
	case hasControl(text):
		found.add(field, "characters", name+"に使えない文字があります")
	}
}

func (found problems) orNothing() error {
	if len(found) == 0 {
		return nil
	}
	return failed{MakeFailureInvalid(found)}
}

// checkOrder says everything that is wrong with an order, before anything is sent.
func checkOrder(order Order, earlier []Order) error {
	var found problems
	found.reference("reference", order.Reference)
	if slices.ContainsFunc(earlier, func(other Order) bool { return other.Reference == order.Reference }) {
		found.add("reference", "reference-twice", "同じ注文番号が一度の呼び出しに二度あります")
	}
	found.text("buyer.name", "購入者の氏名", order.Buyer.Name, maxName)
	if phone := order.Buyer.Phone; len(phone) > maxPhone || !phoneForm.MatchString(phone) {
		found.add("buyer.phone", "phone", fmt.Sprintf("購入者の電話番号は半角数字とハイフンの%d文字以内です", maxPhone))
	}
	if sum, fits := total(order); !fits || sum != order.BilledAmount {
		found.add("billed-amount", "not-the-sum", "請求金額が明細・送料・手数料の合計と一致しません")
	}
	if order.BilledAmount < 1 || order.BilledAmount > maxYen {
		found.add("billed-amount", "out-of-range", fmt.Sprintf("請求金額は1円から%d円までです", maxYen))
	}
	return found.orNothing()
}

// total adds an order up; false where 64 bits do not hold it.
func total(order Order) (sum int64, fits bool) {
	fits = true
	add := func(amount int64) {
		next := sum + amount
		fits = fits && (next >= sum) == (amount >= 0)
		sum = next
	}
	for _, item := range order.Items {
		quantity := int64(item.Quantity)
		amount := item.UnitPrice * quantity
		fits = fits && (quantity == 0 || amount/quantity == item.UnitPrice)
		add(amount)
	}
	add(order.ShippingFee)
	add(order.PaymentFee)
	return sum, fits
}

// checkRegistration says what is wrong with a registration; field is the path of its reference in the contract.
func checkRegistration(field string, registration Registration) error {
	var found problems
	found.reference(field, registration.Reference)
	return found.orNothing()
}

// checkShipment returns the carrier's code, or everything that is wrong with a shipment, before anything is sent.
func checkShipment(shipment Shipment) (string, error) {
	var found problems
	var code string
	found.reference("registration.reference", shipment.Registration.Reference)
	for _, carrier := range carriers {
		if carrier.Id == shipment.Carrier {
			code = carrier.code
		}
	}
	if code == "" {
		found.add("carrier", "carrier", "この配送業者は"+name+"で使えません")
	}
	found.text("tracking-number", "伝票番号", shipment.TrackingNumber, maxNumber)
	return code, found.orNothing()
}

func credit(settings map[string]string, order Order, earlier []Order) (Decision, error) {
	if err := checkOrder(order, earlier); err != nil {
		return Decision{}, err
	}
	// To be named as a registration is.
	registration := Registration{Reference: order.Reference, TransactionId: None[string]()}
	told, err := ask(settings, "/register", registration,
		field{"name", order.Buyer.Name},
		field{"phone", order.Buyer.Phone},
		field{"amount", strconv.FormatInt(order.BilledAmount, 10)})
	if err != nil {
		return Decision{}, err
	}
	return told.decision(), nil
}

func checkCredit(settings map[string]string, registration Registration) (Standing, error) {
	if err := checkRegistration("reference", registration); err != nil {
		return Standing{}, err
	}
	told, err := ask(settings, "/ask", registration)
	var why failed
	switch {
	case errors.As(err, &why) && why.failure.Tag() == Failure_Refused && why.failure.Refused().Code.SomeOr("") == "NOT-FOUND":
		return MakeStandingNotFound(), nil
	case err != nil:
		return Standing{}, err
	case told.state == "CANCELLED":
		return MakeStandingCancelled(), nil
	case told.state == "SHIPPED":
		return MakeStandingTrackingRegistered(), nil
	default:
		return MakeStandingDecided(told.decision()), nil
	}
}

func cancel(settings map[string]string, registration Registration) error {
	if err := checkRegistration("registration.reference", registration); err != nil {
		return err
	}
	told, err := ask(settings, "/cancel", registration)
	if err != nil {
		return err
	}
	return told.mustBe("CANCELLED")
}

func syncTracking(settings map[string]string, shipment Shipment) error {
	carrier, err := checkShipment(shipment)
	if err != nil {
		return err
	}
	told, err := ask(settings, "/ship", shipment.Registration,
		field{"carrier", carrier},
		field{"number", shipment.TrackingNumber})
	if err != nil {
		return err
	}
	return told.mustBe("SHIPPED")
}

// told is what the provider says of a registration.
type told struct{ id, state, why string }

// mustBe refuses a success that says something else than what was asked for.
func (told told) mustBe(state string) error {
	if told.state == state {
		return nil
	}
	return unknown(name + "の回答の状態が" + told.state + "です")
}

func (told told) decision() Decision {
	return Decision{TransactionId: Some(told.id), Verdict: told.verdict()}
}

func (told told) verdict() Verdict {
	switch told.state {
	case "OK":
		return MakeVerdictApproved()
	case "NG":
		return MakeVerdictRejected([]Reason{reason(told.why)})
	case "WAIT":
		return MakeVerdictUnderReview()
	case "HOLD":
		return MakeVerdictOnHold([]Reason{reason(told.why)})
	default:
		return MakeVerdictOther(Reason{Code: Some(told.state), Message: "この版では意味のわからない与信結果です"})
	}
}

// field is one of a form.
type field struct{ name, value string }

func encode(fields []field) []byte {
	pairs := make([]string, len(fields))
	for at, field := range fields {
		pairs[at] = url.QueryEscape(field.name) + "=" + url.QueryEscape(field.value)
	}
	return []byte(strings.Join(pairs, "&"))
}

// ask posts one form about a registration, and reads what the provider says of it.
func ask(settings map[string]string, path string, registration Registration, fields ...field) (told, error) {
	gateway, isUrl := parseUrl(settings["base-url"])
	if !isUrl {
		return told{}, failed{MakeFailureNotSent(reason("接続先URLがURLではありません"))}
	}
	shop := []field{{"shop", settings["shop-id"]}, {"key", settings["api-key"]}, {"order", registration.Reference}}
	form := encode(append(shop, fields...))
	response, failure := send(gateway, path, "application/x-www-form-urlencoded; charset=UTF-8", form)
	if failure.IsSome() {
		return told{}, failed{failure.Some()}
	}
	if response.status != 200 {
		return told{}, unknown(fmt.Sprintf("%sがHTTP %dを返しました", name, response.status))
	}
	answer, isWhole := readAnswer(response.body)
	if !isWhole {
		return told{}, unknown(name + "の回答を読めません")
	}
	code := answer["error"]
	words := Reason{Code: Some(code), Message: answer["message"]}
	// These two are about no order; whatever else is said has to be about this one.
	switch code {
	case "AUTH":
		return told{}, failed{MakeFailureUnauthorized(words)}
	case "BUSY":
		return told{}, failed{MakeFailureBusy(Tuple2[Reason, Option[uint32]]{F0: words, F1: None[uint32]()})}
	}
	if answer["order"] != registration.Reference {
		return told{}, unknown(name + "の回答がこの注文のものではありません")
	}
	switch code {
	case "":
	case "INVALID":
		path, isKnown := fieldPaths[answer["field"]]
		if !isKnown {
			path = answer["field"]
		}
		return told{}, failed{MakeFailureInvalid([]FieldProblem{{Field: path, Reason: words}})}
	case "EXISTS":
		return told{}, failed{MakeFailureAlready(words)}
	case "STATE", "NOT-FOUND":
		return told{}, failed{MakeFailureRefused(words)}
	default:
		return told{}, failed{MakeFailureOutcomeUnknown(words)}
	}
	id, known := answer["id"], registration.TransactionId.SomeOr("")
	if id == "" || (known != "" && known != id) {
		return told{}, unknown(name + "の回答がこの注文のものではありません")
	}
	return told{id: id, state: answer["state"], why: answer["reason"]}, nil
}

// readAnswer returns the texts of an answer by their elements. One that is not whole, or says something twice, is not
// believed.
func readAnswer(body []byte) (map[string]string, bool) {
	var answer struct {
		XMLName  xml.Name `xml:"answer"`
		Elements []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if !utf8.Valid(body) || xml.Unmarshal(body, &answer) != nil {
		return nil, false
	}
	texts := map[string]string{}
	for _, element := range answer.Elements {
		texts[element.XMLName.Local] = strings.TrimSpace(element.Text)
	}
	return texts, len(texts) == len(answer.Elements)
}

func reason(message string) Reason {
	return Reason{Code: None[string](), Message: message}
}

func problem(field, code, message string) FieldProblem {
	return FieldProblem{Field: field, Reason: Reason{Code: Some(code), Message: message}}
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(char rune) bool {
		return char < 0x20 || (char >= 0x7f && char <= 0x9f) || char == 0x2028 || char == 0x2029
	})
}

var urlForm = regexp.MustCompile(`^(https?)://([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?$`)

// gatewayUrl is where the gateway is.
type gatewayUrl struct{ scheme, authority, path string }

func parseUrl(text string) (gatewayUrl, bool) {
	match := urlForm.FindStringSubmatch(text)
	if match == nil || strings.ContainsAny(text, "?#") {
		return gatewayUrl{}, false
	}
	if port := strings.TrimPrefix(match[3], ":"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return gatewayUrl{}, false
		}
	}
	return gatewayUrl{scheme: match[1], authority: match[2] + match[3], path: strings.TrimRight(match[4], "/")}, true
}

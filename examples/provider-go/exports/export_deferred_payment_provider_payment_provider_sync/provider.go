// Package export_deferred_payment_provider_payment_provider_sync is Example Pay as a provider plugin: an invented
// provider that only registers orders. The operations that it does not have are `unsupported`, with batch limit 0. The
// fee rule (手数料設定) is the host's. The package has the name that the generated bindings import.
package export_deferred_payment_provider_payment_provider_sync

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
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
	maxSetting = 64
	maxYen     = 999_999
)

var help = Label{Ja: "契約時に届きます。", En: "Sent with the contract."}

var fields = []SettingField{
	{
		Key: "base-url", Label: Label{Ja: "接続先URL", En: "Gateway URL"},
		Help: Label{Ja: "通常は変更しません。", En: "Leave as it is."},
		Kind: MakeSettingKindUrl(), Default: Some(production), MaxLength: None[uint32](),
	},
	{
		Key: "shop-id", Label: Label{Ja: "店舗ID", En: "Shop id"}, Help: help,
		Kind: MakeSettingKindText(), Required: true, Default: None[string](), MaxLength: Some[uint32](maxSetting),
	},
	{
		Key: "api-key", Label: Label{Ja: "APIキー", En: "API key"}, Help: help,
		Kind: MakeSettingKindSecret(), Required: true, Default: None[string](), MaxLength: Some[uint32](maxSetting),
	},
}

func Describe() ProviderInfo {
	return ProviderInfo{
		Id: "example-pay", Name: Label{Ja: name, En: "Example Pay"}, Version: "0.1.0",
		Settings: fields, BatchLimits: BatchLimits{Credit: 1},
		Origins: []string{production}, MaxBilledAmount: Some[int64](maxYen),
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
	settings := readSettings(context.Settings)
	rows := make([]Result[Decision, Failure], len(orders))
	for at, order := range orders {
		rows[at] = register(settings, order, orders[:at])
	}
	return rows
}

func CheckCredit(_ Context, registrations []Registration) []Result[Standing, Failure] {
	return unsupported[Standing](len(registrations))
}

func Cancel(_ Context, cancellations []Cancellation) []Result[Unit, Failure] {
	return unsupported[Unit](len(cancellations))
}

func SyncTracking(_ Context, shipments []Shipment) []Result[Unit, Failure] {
	return unsupported[Unit](len(shipments))
}

func unsupported[T any](count int) []Result[T, Failure] {
	rows := make([]Result[T, Failure], count)
	for at := range rows {
		rows[at] = Err[T](MakeFailureUnsupported())
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
			found = append(found, problem(setting.Key, "unknown", "この設定項目はありません"))
		case seen[setting.Key]:
			found = append(found, problem(setting.Key, "twice", "同じ設定項目が2つあります"))
		}
		seen[setting.Key] = true
	}
	return found
}

var reference = regexp.MustCompile(`^[0-9A-Za-z_-]{1,20}$`)

// orderProblems returns everything that is wrong with an order, before anything is sent.
func orderProblems(order Order, earlier []Order) []FieldProblem {
	var found []FieldProblem
	say := func(field, code, message string) { found = append(found, problem(field, code, message)) }
	if !reference.MatchString(order.Reference) {
		say("reference", "reference", "注文参照番号は半角英数字と_-で20文字までです")
	}
	for _, other := range earlier {
		if other.Reference == order.Reference {
			say("reference", "twice", "同じ注文参照番号の注文があります")
			break
		}
	}
	buyer := order.Buyer.Name
	switch {
	case strings.TrimSpace(buyer) == "":
		say("buyer.name", "required", "購入者の氏名がありません")
	case utf8.RuneCountInString(buyer) > maxName:
		say("buyer.name", "too-long", fmt.Sprintf("購入者の氏名は%d文字までです", maxName))
	case hasControl(buyer):
		say("buyer.name", "control", "購入者の氏名に使えない文字があります")
	}
	sum, fits := total(order)
	if !fits || sum != order.BilledAmount {
		say("billed-amount", "sum", "請求金額が商品・送料・手数料の合計と一致しません")
	}
	if order.BilledAmount < 1 || order.BilledAmount > maxYen {
		say("billed-amount", "amount-range", fmt.Sprintf("請求金額は1円から%d円までです", maxYen))
	}
	return found
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

func register(settings map[string]string, order Order, earlier []Order) Result[Decision, Failure] {
	if problems := orderProblems(order, earlier); len(problems) > 0 {
		return Err[Decision](MakeFailureInvalid(problems))
	}
	gateway, isUrl := parseUrl(settings["base-url"])
	if !isUrl {
		return Err[Decision](MakeFailureNotSent(reason("接続先URLがURLではありません")))
	}
	form := url.Values{
		"shop":   {settings["shop-id"]},
		"key":    {settings["api-key"]},
		"order":  {order.Reference},
		"name":   {order.Buyer.Name},
		"amount": {strconv.FormatInt(order.BilledAmount, 10)},
	}
	response, failure := send(gateway, "/register", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if failure.IsSome() {
		return Err[Decision](failure.Some())
	}
	decision, why := understand(response, order.Reference)
	if why != "" {
		return Err[Decision](MakeFailureOutcomeUnknown(reason(why)))
	}
	return Ok[Decision, Failure](decision)
}

type answer struct {
	XMLName xml.Name `xml:"answer"`
	Order   string   `xml:"order"`
	Id      string   `xml:"id"`
	Verdict string   `xml:"verdict"`
	Reason  string   `xml:"reason"`
}

// understand reads what the provider answered about this order, or says why it cannot.
func understand(response response, reference string) (Decision, string) {
	if response.status != 200 {
		return Decision{}, fmt.Sprintf("%sがHTTPステータス%dを返しました", name, response.status)
	}
	var said answer
	if !utf8.Valid(response.body) || xml.Unmarshal(response.body, &said) != nil {
		return Decision{}, name + "の回答を読めません"
	}
	id := strings.TrimSpace(said.Id)
	if strings.TrimSpace(said.Order) != reference || id == "" {
		return Decision{}, name + "の回答がこの注文のものではありません"
	}
	return Decision{TransactionId: Some(id), Verdict: verdict(said)}, ""
}

func verdict(said answer) Verdict {
	switch verdict := strings.TrimSpace(said.Verdict); verdict {
	case "OK":
		return MakeVerdictApproved()
	case "NG":
		return MakeVerdictRejected([]Reason{reason(strings.TrimSpace(said.Reason))})
	case "WAIT":
		return MakeVerdictUnderReview()
	default:
		return MakeVerdictOther(Reason{Code: Some(verdict), Message: "この版では意味のわからない与信結果です"})
	}
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

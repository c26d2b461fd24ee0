package export_deferred_payment_provider_payment_provider_sync

import (
	"strconv"

	. "go.bytecodealliance.org/pkg/wit/types"
	. "example-pay/imports/deferred_payment_provider_types"
	outgoing "example-pay/imports/wasi_http_0_2_12_outgoing_handler"
	http "example-pay/imports/wasi_http_0_2_12_types"
	streams "example-pay/imports/wasi_io_streams"
)

const (
	// What `blocking-write-and-flush` takes at once.
	writeBytes = 4096
	readBytes  = 65536
)

// notSent has the errors with which nothing can have been sent. With any other the outcome is unknown.
var notSent = map[uint8]string{
	http.ErrorCode_ConnectionLimitReached:       "接続が多すぎます",
	http.ErrorCode_ConnectionRefused:            "接続できません",
	http.ErrorCode_ConnectionTimeout:            "接続できません",
	http.ErrorCode_DestinationIpProhibited:      "接続先が許可されていません",
	http.ErrorCode_DestinationIpUnroutable:      "接続先に届きません",
	http.ErrorCode_DestinationNotFound:          "接続先が見つかりません",
	http.ErrorCode_DestinationUnavailable:       "接続できません",
	http.ErrorCode_DnsError:                     "接続先の名前を調べられません",
	http.ErrorCode_DnsTimeout:                   "接続先の名前を調べられません",
	http.ErrorCode_HttpRequestDenied:            "接続先が許可されていません",
	http.ErrorCode_HttpRequestHeaderSectionSize: "要求が大きすぎます",
	http.ErrorCode_HttpRequestHeaderSize:        "要求が大きすぎます",
	http.ErrorCode_HttpRequestLengthRequired:    "要求が正しくありません",
	http.ErrorCode_HttpRequestMethodInvalid:     "要求が正しくありません",
	http.ErrorCode_HttpRequestUriInvalid:        "接続先URLが正しくありません",
	http.ErrorCode_HttpRequestUriTooLong:        "接続先URLが長すぎます",
	http.ErrorCode_TlsCertificateError:          "接続先の証明書を確認できません",
}

type response struct {
	status uint16
	body   []byte
}

// send sends one request and reads the whole response. It blocks.
func send(gateway gatewayUrl, path, contentType string, body []byte) (response, Option[Failure]) {
	request := http.MakeOutgoingRequest(headers(contentType, len(body)))
	scheme := http.MakeSchemeHttps()
	if gateway.scheme == "http" {
		scheme = http.MakeSchemeHttp()
	}
	request.SetMethod(http.MakeMethodPost())
	request.SetScheme(Some(scheme))
	request.SetAuthority(Some(gateway.authority))
	request.SetPathWithQuery(Some(gateway.path + path))
	// Before the request is handed over: it has one body, which is not taken yet.
	outgoingBody := request.Body().Ok()
	handled := outgoing.Handle(request, None[*http.RequestOptions]())
	if handled.IsErr() {
		outgoingBody.Drop()
		return response{}, Some(failureOf(handled.Err()))
	}
	pending := handled.Ok()
	defer pending.Drop()
	write(outgoingBody, body)
	wait := pending.Subscribe()
	wait.Block()
	wait.Drop()
	result := pending.Get().Some().Ok()
	if result.IsErr() {
		return response{}, Some(failureOf(result.Err()))
	}
	return read(result.Ok())
}

func headers(contentType string, length int) *http.Fields {
	pair := func(name, value string) Tuple2[string, []uint8] {
		return Tuple2[string, []uint8]{F0: name, F1: []byte(value)}
	}
	return http.FieldsFromList([]Tuple2[string, []uint8]{
		pair("content-type", contentType),
		pair("user-agent", "deferred-payment-provider/0.1.0"),
		pair("accept", "*/*"),
		pair("accept-encoding", "identity"),
		pair("content-length", strconv.Itoa(length)),
	}).Ok()
}

// write hands the body over. Where the host does not take it, the response says why.
func write(body *http.OutgoingBody, bytes []byte) {
	stream := body.Write().Ok()
	for len(bytes) > 0 {
		part := bytes[:min(len(bytes), writeBytes)]
		if stream.BlockingWriteAndFlush(part).IsErr() {
			stream.Drop()
			body.Drop()
			return
		}
		bytes = bytes[len(part):]
	}
	stream.Drop()
	http.OutgoingBodyFinish(body, None[*http.Fields]())
}

func read(incoming *http.IncomingResponse) (response, Option[Failure]) {
	defer incoming.Drop()
	body := incoming.Consume().Ok()
	stream := body.Stream().Ok()
	var bytes []byte
	for {
		part := stream.BlockingRead(readBytes)
		if part.IsOk() {
			bytes = append(bytes, part.Ok()...)
			continue
		}
		stream.Drop()
		http.IncomingBodyFinish(body).Drop()
		if part.Err().Tag() != streams.StreamError_Closed {
			return response{}, Some(MakeFailureOutcomeUnknown(reason("回答が途中で切れました")))
		}
		return response{status: incoming.Status(), body: bytes}, None[Failure]()
	}
}

func failureOf(code http.ErrorCode) Failure {
	if why, isKnown := notSent[code.Tag()]; isKnown {
		return MakeFailureNotSent(reason(why))
	}
	return MakeFailureOutcomeUnknown(reason("回答がありませんでした"))
}

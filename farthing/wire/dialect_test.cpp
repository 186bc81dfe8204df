// SPDX-License-Identifier: Apache-2.0
#include "farthing/wire/dialect.hpp"

#include <doctest/doctest.h>

#include "farthing/base/base64.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::dialect {
namespace {

constexpr std::string_view kPayloadV2 =
    R"({"x402Version":2,"payload":{"authorization":{"from":"0xA"},"signature":"0x01"},)"
    R"("accepted":{"scheme":"exact","network":"eip155:84532","amount":"1000","extra":{"z":null}},)"
    R"("extensions":{"k":{"info":{"n":1}}},"resource":{"url":"http://h/x"},"theirs":[1,{"a":2}]})";
constexpr std::string_view kPayloadV1 =
    R"({"x402Version":1,"scheme":"exact","network":"base-sepolia",)"
    R"("payload":{"authorization":{"from":"0xA"},"signature":"0x01"}})";
constexpr std::string_view kWantedV2 =
    R"({"scheme":"exact","network":"eip155:84532","amount":"1000","asset":"0xT","payTo":"0xP",)"
    R"("maxTimeoutSeconds":60,"extra":{"name":"USDC","version":"2"}})";
constexpr std::string_view kWantedV1 =
    R"({"scheme":"exact","network":"base-sepolia","maxAmountRequired":"1000",)"
    R"("resource":"http://h/x","description":"A page","mimeType":"text/html",)"
    R"("outputSchema":{"input":{"type":"http"}},"payTo":"0xP","maxTimeoutSeconds":60,)"
    R"("asset":"0xT","extra":{"name":"USDC","version":"2"},"theirs":{"kept":true}})";

json::Value parsed(std::string_view text) {
    auto value = json::parse(text, kMessageLimits);
    REQUIRE_MESSAGE(value, text);
    return *value;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string body(std::string_view payload, std::string_view requirements) {
    return R"({"x402Version":2,"paymentPayload":)" + std::string(payload) +
           R"(,"paymentRequirements":)" + std::string(requirements) + "}";
}

template <class T>
Errc code_of(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

}  // namespace

TEST_CASE("dialect: a version 2 header is read whole, and goes out as it came in") {
    const auto received = decode_payment_header(to_base64(kPayloadV2));
    REQUIRE(received);
    CHECK(received->x402_version == 2);
    const auto again = payment_to_json(2, received->payload);
    REQUIRE(again);
    CHECK(json::equal(*again, parsed(kPayloadV2)));
    CHECK(json::equal(*again->as_object().if_contains("accepted"),
                      *parsed(kPayloadV2).as_object().if_contains("accepted")));
}

TEST_CASE("dialect: a version 1 header becomes version 2 and its own shape again") {
    const auto received = decode_payment_header(to_base64(kPayloadV1));
    REQUIRE(received);
    CHECK(received->x402_version == 1);
    CHECK(json::equal(received->payload.accepted,
                      parsed(R"({"scheme":"exact","network":"eip155:84532"})")));
    const auto again = payment_to_json(1, received->payload);
    REQUIRE(again);
    CHECK(json::equal(*again, parsed(kPayloadV1)));
}

TEST_CASE("dialect: version 1 payloads with a CAIP-2 network are read, as clients send them") {
    const auto received = decode_payment_header(
        to_base64(replaced(std::string(kPayloadV1), "base-sepolia", "eip155:84532")));
    REQUIRE(received);
    CHECK(json::equal(received->payload.accepted,
                      parsed(R"({"scheme":"exact","network":"eip155:84532"})")));
}

TEST_CASE("dialect: a network that version 1 does not know is kept as it came, and fits nothing") {
    const auto received = decode_payment_header(
        to_base64(replaced(std::string(kPayloadV1), "base-sepolia", "base-goerli")));
    REQUIRE(received);
    CHECK(json::equal(received->payload.accepted,
                      parsed(R"({"scheme":"exact","network":"base-goerli"})")));
}

TEST_CASE("dialect: what a payment header may not be") {
    const std::string nested = std::string(10'000, '[') + std::string(10'000, ']');
    std::string values = "[0";
    for (int i = 0; i < 4'000; ++i) values += ",0";
    values += "]";
    const struct {
        const char* name;
        std::string header;
        Errc code;
    } cases[] = {
        {"a mebibyte", std::string(1 << 20, 'A'), Errc::too_large},
        {"one byte too many", std::string(kHeaderBytesMax + 1, 'A'), Errc::too_large},
        {"empty", "", Errc::invalid_json},
        {"not base64", "{\"x402Version\":2}", Errc::invalid_encoding},
        {"base64url", "-_", Errc::invalid_encoding},
        {"a line feed", to_base64(kPayloadV2) + "\n", Errc::invalid_encoding},
        {"a space inside", "eyJ4 NDAy", Errc::invalid_encoding},
        {"base64 of nothing useful", to_base64("hello"), Errc::invalid_json},
        {"half a message", to_base64(kPayloadV2.substr(0, 100)), Errc::invalid_json},
        {"two messages", to_base64(std::string(kPayloadV1) + std::string(kPayloadV1)),
         Errc::invalid_json},
        {"not UTF-8", to_base64("{\"x402Version\":2,\"a\":\"\xff\xfe\"}"), Errc::invalid_json},
        {"10,000 levels deep", to_base64(nested), Errc::too_large},
        {"too many values", to_base64(values), Errc::too_large},
        {"a duplicate key",
         to_base64(replaced(std::string(kPayloadV2), R"("signature":"0x01")",
                            R"("signature":"0x01","signature":"0x02")")),
         Errc::invalid_json},
        {"a number beyond 64 bits",
         to_base64(replaced(std::string(kPayloadV2), R"("n":1)", R"("n":18446744073709551616)")),
         Errc::invalid_json},
        {"an array", to_base64("[]"), Errc::invalid_field},
        {"null", to_base64("null"), Errc::invalid_field},
        {"no version", to_base64("{}"), Errc::invalid_x402_version},
        {"version 3", to_base64(R"({"x402Version":3})"), Errc::invalid_x402_version},
        {"version 0", to_base64(R"({"x402Version":0})"), Errc::invalid_x402_version},
        {"a version in a string", to_base64(R"({"x402Version":"2"})"), Errc::invalid_field},
        {"no payload", to_base64(R"({"x402Version":2,"accepted":{}})"), Errc::invalid_field},
        {"a payload in a string", to_base64(R"({"x402Version":2,"accepted":{},"payload":"a"})"),
         Errc::invalid_field},
        {"no accepted", to_base64(R"({"x402Version":2,"payload":{}})"), Errc::invalid_field},
        {"accepted null", to_base64(R"({"x402Version":2,"payload":{},"accepted":null})"),
         Errc::invalid_field},
        {"version 1 without a scheme",
         to_base64(R"({"x402Version":1,"network":"base","payload":{}})"), Errc::invalid_field},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto received = decode_payment_header(each.header);
        CHECK_FALSE(received);
        if (!received) CHECK(wire_code(received.error().code) == wire_code(each.code));
    }
}

TEST_CASE("dialect: the largest header that is read") {
    // Spaces before the message make it as long as wanted.
    const std::size_t bytes = kHeaderBytesMax / 4 * 3;
    const auto text = std::string(bytes - kPayloadV2.size(), ' ') + std::string(kPayloadV2);
    const auto header = to_base64(text);
    REQUIRE(header.size() == kHeaderBytesMax);
    CHECK(decode_payment_header(header));
}

TEST_CASE("dialect: missing padding passes, as in the reference") {
    auto header = to_base64(std::string(kPayloadV1) + " ");
    REQUIRE(header.ends_with('='));
    while (header.ends_with('=')) header.pop_back();
    CHECK(decode_payment_header(header));
}

TEST_CASE("dialect: a payment that cannot be said in version 1 is an error") {
    v2::PaymentPayload payload;
    payload.payload = json::Object{};
    for (const auto* const accepted : {R"({"scheme":"exact"})", R"({"network":"eip155:1"})",
                                       R"({"scheme":1,"network":"a:b"})", R"([])"}) {
        CAPTURE(accepted);
        payload.accepted = parsed(accepted);
        CHECK(code_of(payment_to_json(1, payload)) == Errc::invalid_field);
    }
}

TEST_CASE("dialect: networks are spelled as the version spells them") {
    CHECK(network_in(1, evm_network(84532)) == "base-sepolia");
    CHECK(network_in(2, evm_network(84532)) == "eip155:84532");
    CHECK(network_in(1, evm_network(42161)) == "eip155:42161");  // no version 1 name
    for (const auto& each : v1_names()) {
        CHECK(network_in(1, Network{std::string(each.id)}) == each.name);
        CHECK(network_in(2, Network{std::string(each.id)}) == each.id);
    }
}

TEST_CASE("dialect: requirements go from version 1 to 2 and back without loss") {
    const auto v1_form = json::decode<v1::PaymentRequirements>(parsed(kWantedV1));
    REQUIRE(v1_form);
    const auto v2_form = from_v1(*v1_form);
    REQUIRE(v2_form);
    CHECK(v2_form->network.id == "eip155:84532");
    CHECK(v2_form->amount == U256(1000));
    const auto back = to_v1(*v2_form, {});
    REQUIRE(back);
    CHECK(json::equal(json::encode(*back), parsed(kWantedV1)));
}

TEST_CASE("dialect: requirements go from version 2 to 1 with the resource inside") {
    const auto wanted = json::decode<v2::PaymentRequirements>(parsed(kWantedV2));
    REQUIRE(wanted);
    v2::ResourceInfo resource;
    resource.url = "http://h/x";
    resource.description = "A page";
    const auto as_v1 = to_v1(*wanted, resource);
    REQUIRE(as_v1);
    CHECK(json::encode_text(*as_v1) ==
          R"({"scheme":"exact","network":"base-sepolia","maxAmountRequired":"1000",)"
          R"("resource":"http://h/x","description":"A page","mimeType":"","payTo":"0xP",)"
          R"("maxTimeoutSeconds":60,"asset":"0xT","extra":{"name":"USDC","version":"2"}})");
    auto elsewhere = *wanted;
    elsewhere.network = evm_network(42161);
    CHECK(code_of(to_v1(elsewhere, resource)) == Errc::invalid_field);
}

TEST_CASE("dialect: a facilitator request is the payload and the server's own entry") {
    const auto payment = facilitator_request(parsed(body(kPayloadV2, kWantedV2)));
    REQUIRE(payment);
    CHECK(payment->x402_version == 2);
    CHECK(payment->requirements.amount == U256(1000));
    const auto again = facilitator_request_body(*payment);
    REQUIRE(again);
    CHECK(json::equal(*again, parsed(body(kPayloadV2, kWantedV2))));
}

TEST_CASE("dialect: a version 1 facilitator request keeps its shape") {
    const auto sent =
        replaced(body(kPayloadV1, kWantedV1), R"("x402Version":2)", R"("x402Version":1)");
    const auto payment = facilitator_request(parsed(sent));
    REQUIRE(payment);
    CHECK(payment->x402_version == 1);
    CHECK(payment->requirements.network.id == "eip155:84532");
    const auto again = facilitator_request_body(*payment);
    REQUIRE(again);
    CHECK(json::equal(*again, parsed(sent)));
}

TEST_CASE("dialect: what a facilitator request may not be") {
    const std::string good = body(kPayloadV2, kWantedV2);
    const struct {
        const char* name;
        std::string text;
        Errc code;
    } cases[] = {
        {"not an object", "[]", Errc::invalid_field},
        {"empty", "{}", Errc::missing_parameters},
        {"no payload", R"({"paymentRequirements":{}})", Errc::missing_parameters},
        {"a null payload", body("null", kWantedV2), Errc::missing_parameters},
        {"no requirements", R"({"paymentPayload":{}})", Errc::missing_parameters},
        {"null requirements", body(kPayloadV2, "null"), Errc::missing_parameters},
        {"a payload in a string", body(R"("x")", kWantedV2), Errc::invalid_field},
        {"requirements in a string", body(kPayloadV2, R"("x")"), Errc::invalid_field},
        {"no version", body("{}", kWantedV2), Errc::invalid_x402_version},
        {"version 3", body(R"({"x402Version":3})", kWantedV2), Errc::invalid_x402_version},
        {"requirements of version 1", body(kPayloadV2, kWantedV1), Errc::invalid_field},
        {"requirements of version 2", body(kPayloadV1, kWantedV2), Errc::invalid_field},
        {"an amount in hex",
         replaced(good, R"("amount":"1000","asset")", R"("amount":"0x1","asset")"),
         Errc::invalid_field},
        {"a network unknown to version 1",
         body(kPayloadV1, replaced(std::string(kWantedV1), "base-sepolia", "base-goerli")),
         Errc::no_such_mechanism},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto payment = facilitator_request(parsed(each.text));
        CHECK_FALSE(payment);
        if (!payment) CHECK(wire_code(payment.error().code) == wire_code(each.code));
    }
    const auto where = facilitator_request(
        parsed(replaced(good, R"("maxTimeoutSeconds":60)", R"("maxTimeoutSeconds":"60")")));
    REQUIRE_FALSE(where);
    CHECK(where.error().detail.starts_with(".paymentRequirements.maxTimeoutSeconds: "));
}

TEST_CASE("dialect: the payload of a version 1 request may name a network that nobody knows") {
    const auto payment = facilitator_request(
        parsed(body(replaced(std::string(kPayloadV1), "base-sepolia", "base-goerli"), kWantedV1)));
    REQUIRE(payment);
    CHECK(json::equal(payment->payload.accepted,
                      parsed(R"({"scheme":"exact","network":"base-goerli"})")));
}

TEST_CASE("dialect: a 402 of version 2 is read from its header, whatever the body says") {
    const auto text = std::string(R"({"x402Version":2,"error":"Payment required",)") +
                      R"("resource":{"url":"http://h/x"},"accepts":[)" + std::string(kWantedV2) +
                      R"(,{"scheme":"later","network":"x"}],"extensions":{"k":{}}})";
    const auto offered = read_payment_required(to_base64(text), "<html>");
    REQUIRE(offered);
    CHECK(offered->x402_version == 2);
    CHECK(offered->error == "Payment required");
    CHECK(offered->resource->contains("url"));
    CHECK(offered->extensions->contains("k"));
    REQUIRE(offered->accepts.size() == 2);
    CHECK(offered->accepts[0].requirements);
    CHECK(json::equal(offered->accepts[0].raw, parsed(kWantedV2)));
    // One that cannot be read keeps its error and spoils nothing.
    REQUIRE_FALSE(offered->accepts[1].requirements);
    CHECK(offered->accepts[1].requirements.error().detail.starts_with(".accepts[1]."));
    CHECK(json::equal(offered->accepts[1].raw, parsed(R"({"scheme":"later","network":"x"})")));
}

TEST_CASE("dialect: a 402 without resource is read all the same") {
    const auto offered = read_payment_required(
        to_base64(R"({"x402Version":2,"accepts":[)" + std::string(kWantedV2) + "]}"), "");
    REQUIRE(offered);
    CHECK_FALSE(offered->resource);
}

TEST_CASE("dialect: a 402 of version 1 is read from its body") {
    const auto text = R"({"x402Version":1,"error":"X-PAYMENT header is required","accepts":[)" +
                      std::string(kWantedV1) + "," +
                      replaced(std::string(kWantedV1), "base-sepolia", "base-goerli") + "]}";
    const auto offered = read_payment_required(std::nullopt, text);
    REQUIRE(offered);
    CHECK(offered->x402_version == 1);
    REQUIRE(offered->accepts.size() == 2);
    REQUIRE(offered->accepts[0].requirements);
    CHECK(offered->accepts[0].requirements->network.id == "eip155:84532");
    CHECK(json::equal(offered->accepts[0].raw, parsed(kWantedV1)));
    CHECK_FALSE(offered->accepts[1].requirements);
}

TEST_CASE("dialect: what is no 402") {
    const std::string entry(kWantedV2);
    std::string many = R"({"x402Version":2,"accepts":[)" + entry;
    for (int i = 0; i < 64; ++i) many += "," + entry;
    many += "]}";
    const struct {
        const char* name;
        std::optional<std::string> header;
        std::string body;
        Errc code;
    } cases[] = {
        {"nothing at all", std::nullopt, "", Errc::invalid_json},
        {"a page", std::nullopt, "<html></html>", Errc::invalid_json},
        {"a body of version 2 without the header", std::nullopt,
         R"({"x402Version":2,"accepts":[]})", Errc::invalid_x402_version},
        {"a body of version 1 in the header", to_base64(R"({"x402Version":1,"accepts":[]})"), "",
         Errc::invalid_x402_version},
        {"no accepts", to_base64(R"({"x402Version":2})"), "", Errc::invalid_field},
        {"an empty list", to_base64(R"({"x402Version":2,"accepts":[]})"), "", Errc::invalid_field},
        {"65 entries", to_base64(many), "", Errc::too_large},
        {"a mebibyte", std::string(1 << 20, 'A'), "", Errc::too_large},
        {"not base64", "%%", R"({"x402Version":1,"accepts":[{}]})", Errc::invalid_encoding},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        std::optional<std::string_view> header;
        if (each.header) header = *each.header;
        const auto offered = read_payment_required(header, each.body);
        CHECK_FALSE(offered);
        if (!offered) CHECK(wire_code(offered.error().code) == wire_code(each.code));
    }
}

TEST_CASE("dialect: a header is the base64 of the message's JSON") {
    // protocol.md 15.6
    v2::SettleResponse response;
    response.success = true;
    response.transaction = "0xabc";
    response.network = "eip155:84532";
    response.payer = "é";
    const auto text = from_base64(to_header(response));
    REQUIRE(text);
    CHECK(json::equal(parsed(*text), parsed(R"({"success":true,"transaction":"0xabc",)"
                                            R"("network":"eip155:84532","payer":"é"})")));
}

TEST_CASE("dialect: header names are those of protocol.md section 4") {
    CHECK(header::kPaymentRequired == "PAYMENT-REQUIRED");
    CHECK(header::kPaymentSignature == "PAYMENT-SIGNATURE");
    CHECK(header::kPaymentResponse == "PAYMENT-RESPONSE");
    CHECK(header::kPaymentV1 == "X-PAYMENT");
    CHECK(header::kPaymentResponseV1 == "X-PAYMENT-RESPONSE");
}

}  // namespace farthing::dialect

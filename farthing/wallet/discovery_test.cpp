// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/discovery.hpp"

#include <doctest/doctest.h>

namespace farthing::wallet {
namespace {

constexpr std::string_view kOffer =
    R"({"scheme":"exact","network":"eip155:84532","amount":"1000",)"
    R"("asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",)"
    R"("payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":60,)"
    R"("extra":{"name":"USDC","version":"2"}})";

Result<Page> page_of(const std::string& body, const Search& search = {}) {
    static const auto assets = AssetTable::built_in();
    return read_page(body, search, assets);
}

std::string item(const std::string& more) {
    return R"({"resource":"https://a.example/x","x402Version":2,"accepts":[)" +
           std::string(kOffer) + "]" + more + "}";
}

TEST_CASE("discovery: a page is a list under either name, and what cannot be read is left out") {
    const auto page = page_of(R"({"items":[7,{},{"resource":"x"},)" + item("") + "]}").value();
    CHECK(page.entries == 4);
    REQUIRE(page.services.size() == 1);
    CHECK(page.services[0].prices[0].price == "$0.001 USDC");
    CHECK(page.services[0].prices[0].payable);
    CHECK(page_of(R"({"resources":[],"pagination":{"total":9}})").value().total == 9);
    for (const auto* const bad : {"", "[]", "{}", R"({"items":{}})", R"({"resources":null})"}) {
        CAPTURE(bad);
        const auto refused = page_of(bad);
        REQUIRE(!refused);
        CHECK(refused.error().code == Errc::facilitator_invalid_data);
    }
}

TEST_CASE("discovery: a price at the limit is in, one above is out") {
    const auto body = R"({"items":[)" + item("") + "]}";
    Search search;
    search.max_price = scheme::parse_money("$0.001").value();
    CHECK(page_of(body, search).value().services.size() == 1);
    search.max_price = scheme::parse_money("$0.000999").value();
    CHECK(page_of(body, search).value().services.empty());
}

TEST_CASE("discovery: words match wherever they stand, in either case, and all of them") {
    Service service;
    service.resource = "https://api.example/weather";
    service.description = "Forecast for Any Place";
    service.tags = {"rain"};
    CHECK(matches(service, "WEATHER forecast  rain"));
    CHECK(!matches(service, "weather snow"));
    CHECK(matches(service, ""));
}

}  // namespace
}  // namespace farthing::wallet

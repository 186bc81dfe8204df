// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/redirect.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace farthing;
using namespace farthing::wallet;

namespace {

net::Response redirect(int status, std::string location) {
    net::Response response;
    response.status = status;
    response.headers.add("Location", std::move(location));
    return response;
}

net::Request post() {
    net::Request request;
    request.method = "POST";
    request.body = "{}";
    request.headers.add("Content-Type", "application/json");
    request.headers.add("X-Mine", "1");
    return request;
}

net::Url url(std::string_view text) { return net::parse_url(text).value(); }

std::optional<Step> from(std::string_view here, const net::Response& response,
                         Redirects policy = Redirects::any) {
    return next_step(url(here), net::Request{}, response, policy);
}

}  // namespace

TEST_CASE("redirect: leads where Location says") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"/b", "http://a.test/b"},
        {"c?d", "http://a.test/x/c?d"},
        {"//b.test/", "http://b.test/"},
        {"https://a.test/y", "https://a.test/y"},
    };
    for (const auto& [location, target] : cases) {
        CAPTURE(location);
        const auto step = from("http://a.test/x/y", redirect(302, location));
        REQUIRE(step);
        CHECK(step->url.to_string() == target);
    }
}

TEST_CASE("redirect: what is no redirect, or leads nowhere, is the answer") {
    for (const int status : {200, 300, 304, 305, 400, 402}) {
        CAPTURE(status);
        CHECK(!from("http://a.test/", redirect(status, "/b")));
    }
    CHECK(!from("http://a.test/", net::Response{.status = 302, .headers = {}, .body = {}}));
    CHECK(!from("http://a.test/", redirect(302, "ftp://a.test/")));
    CHECK(!from("http://a.test/", redirect(302, "http://user@b.test/")));
    CHECK(from("http://a.test/", redirect(302, "/b")));
}

TEST_CASE("redirect: the policy decides how far") {
    const auto other = redirect(307, "http://b.test/");
    const auto port = redirect(307, "http://a.test:8080/");
    const auto same = redirect(307, "/b");
    CHECK(!from("http://a.test/", same, Redirects::never));
    CHECK(from("http://a.test/", same, Redirects::same_origin));
    CHECK(!from("http://a.test/", port, Redirects::same_origin));
    CHECK(!from("http://a.test/", other, Redirects::same_origin));
    CHECK(from("http://a.test/", other, Redirects::any));
}

TEST_CASE("redirect: never from https to http") {
    CHECK(!from("https://a.test/", redirect(307, "http://a.test/")));
    CHECK(from("https://a.test/", redirect(307, "https://a.test/b")));
    CHECK(from("http://a.test/", redirect(307, "https://a.test/")));
}

TEST_CASE("redirect: POST becomes GET where browsers do it, and its body goes") {
    struct Case {
        int status;
        std::string method;
        std::string then;
    };
    const std::vector<Case> cases{
        {301, "POST", "GET"},      {302, "POST", "GET"},  {303, "POST", "GET"},
        {303, "PUT", "GET"},       {301, "PUT", "PUT"},   {307, "POST", "POST"},
        {308, "POST", "POST"},     {303, "HEAD", "HEAD"}, {302, "HEAD", "HEAD"},
        {302, "DELETE", "DELETE"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.status);
        CAPTURE(each.method);
        auto request = post();
        request.method = each.method;
        const auto step =
            next_step(url("http://a.test/"), request, redirect(each.status, "/b"), Redirects::any);
        REQUIRE(step);
        CHECK(step->request.method == each.then);
        const bool kept = each.then == each.method;
        CHECK(step->request.body == (kept ? "{}" : ""));
        CHECK(step->request.headers.has("Content-Type") == kept);
        CHECK(step->request.headers.has("X-Mine"));
    }
}

TEST_CASE("redirect: no credential and no payment goes to another origin") {
    auto request = post();
    for (const auto* name : {"Authorization", "cookie", "PAYMENT-SIGNATURE", "x-payment",
                             "SIGN-IN-WITH-X", "Proxy-Authorization"}) {
        request.headers.add(name, "secret");
    }
    for (const auto* away : {"http://b.test/", "http://a.test:81/", "https://a.test/"}) {
        CAPTURE(away);
        const auto step =
            next_step(url("http://a.test/"), request, redirect(307, away), Redirects::any);
        REQUIRE(step);
        CHECK(!step->same_origin);
        for (const auto& [name, value] : step->request.headers) CHECK(value != "secret");
        CHECK(step->request.headers.has("X-Mine"));
    }
    const auto home = next_step(url("http://a.test/"), request, redirect(307, "http://A.test:80/b"),
                                Redirects::any);
    REQUIRE(home);
    CHECK(home->same_origin);
    CHECK(home->request.headers.has("PAYMENT-SIGNATURE"));
    CHECK(home->request.headers.has("Authorization"));
}

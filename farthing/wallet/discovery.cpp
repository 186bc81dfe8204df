// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/discovery.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/ascii.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::wallet {
namespace {

constexpr json::Limits kPageLimits{.bytes_max = 4 << 20, .depth_max = 40, .values_max = 200'000};
constexpr std::chrono::milliseconds kPatience{15'000};
constexpr std::size_t kNameMax = 100;
constexpr std::size_t kTextMax = 500;
constexpr std::size_t kUrlMax = 2'000;
constexpr std::size_t kTagsMax = 5;
constexpr std::size_t kPricesMax = 8;
/// Of a list that has no search: so many pages of so many.
constexpr std::uint32_t kPageSize = 100;
constexpr unsigned kPagesMax = 5;
constexpr std::uint64_t kNoLimitOfOurs = 1'000'000'000'000;

std::optional<std::string> text_in(const json::Object& object, std::string_view name,
                                   std::size_t bytes_max) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty()) return std::nullopt;
    return legible(value->get_string(), bytes_max);
}

const json::Object* object_in(const json::Object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

/// ISO text, or Unix seconds as older facilitators have it.
std::optional<std::string> time_in(const json::Object& object) {
    const auto* value = object.if_contains("lastUpdated");
    if (value == nullptr) return std::nullopt;
    if (value->is_int64()) return std::to_string(value->get_int64());
    return text_in(object, "lastUpdated", kNameMax);
}

/// Its offers, read as a 402 would be.
Result<dialect::Offered> offers_in(const json::Object& item) {
    const auto* accepts = item.if_contains("accepts");
    if (accepts == nullptr || !accepts->is_array()) {
        return fail(Errc::facilitator_invalid_data, ".accepts: expected an array");
    }
    const auto* version = item.if_contains("x402Version");
    const json::Object offer{{"x402Version", version == nullptr ? json::Value(2) : *version},
                             {"error", ""},
                             {"accepts", *accepts}};
    const bool is_v1 = version != nullptr && version->is_int64() && version->get_int64() == 1;
    if (is_v1) return dialect::read_payment_required(std::nullopt, json::to_text(offer));
    return dialect::read_payment_required(dialect::to_header(offer), "");
}

Price price_of(const Verdict& verdict) {
    Price out;
    if (!verdict.requirements) return out;
    const auto& wanted = *verdict.requirements;
    out.network = legible(wanted.network.id, kNameMax);
    out.price = verdict.asset != nullptr ? scheme::describe(wanted.amount, *verdict.asset)
                                         : fmt::format("{} of {}", wanted.amount.to_decimal(),
                                                       legible(wanted.asset, kNameMax));
    out.payable = !verdict.refusal;
    return out;
}

void tell_input(Service& service, const json::Object& item) {
    const auto* extensions = object_in(item, "extensions");
    const auto* bazaar = extensions == nullptr ? nullptr : object_in(*extensions, "bazaar");
    const auto* info = bazaar == nullptr ? nullptr : object_in(*bazaar, "info");
    const auto* input = info == nullptr ? nullptr : object_in(*info, "input");
    if (input == nullptr) return;
    service.method = text_in(*input, "method", kNameMax);
    service.tool = text_in(*input, "toolName", kNameMax);
}

/// Nothing for an entry that cannot be read, or that the search leaves out.
std::optional<Service> read_service(const json::Value& value, const Search& search,
                                    const AssetTable& assets) {
    const auto* item = value.if_object();
    if (item == nullptr) return std::nullopt;
    const auto resource = text_in(*item, "resource", kUrlMax);
    const auto offered = offers_in(*item);
    if (!resource || !offered) return std::nullopt;
    Service out;
    out.resource = *resource;
    out.type = text_in(*item, "type", kNameMax).value_or("http");
    out.name = text_in(*item, "serviceName", kNameMax);
    out.description = text_in(*item, "description", kTextMax);
    out.mime_type = text_in(*item, "mimeType", kNameMax);
    out.updated = time_in(*item);
    if (const auto* tags = item->if_contains("tags"); tags != nullptr && tags->is_array()) {
        for (const auto& each : tags->get_array()) {
            if (!each.is_string() || out.tags.size() == kTagsMax) continue;
            out.tags.push_back(legible(each.get_string(), kNameMax));
        }
    }
    tell_input(out, *item);
    SpendRules rules;
    rules.max_amount = search.max_price.value_or(scheme::Money{U256(kNoLimitOfOurs), 0, {}});
    if (search.network) rules.networks.push_back(*search.network);
    const auto choice = choose(*offered, rules, assets);
    const bool filters = search.network || search.max_price;
    if (filters && !choice.chosen) return std::nullopt;
    for (const auto& each : choice.verdicts) {
        if (!each.requirements || out.prices.size() == kPricesMax) continue;
        if (search.network && each.requirements->network != *search.network) continue;
        out.prices.push_back(price_of(each));
    }
    return out;
}

std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || std::string_view("-._~").contains(c);
        if (plain) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string filters_of(const Search& search) {
    return search.network ? "&network=" + encoded(search.network->id) : "";
}

bool has_no_search(int status) { return status == 404 || status == 405 || status == 501; }

Error at(const net::Url& url, const Error& error) {
    return {error.code, fmt::format("{}: {}", url.authority(), error.detail)};
}

bool is_same(const Service& a, const Service& b) {
    return a.resource == b.resource && a.type == b.type && a.tool == b.tool && a.method == b.method;
}

}  // namespace

Result<Page> read_page(std::string_view body, const Search& search, const AssetTable& assets) {
    const auto parsed = json::parse(body, kPageLimits);
    if (!parsed) return fail(Errc::facilitator_invalid_data, parsed.error().detail);
    const auto* object = parsed->if_object();
    if (object == nullptr) return fail(Errc::facilitator_invalid_data, "expected an object");
    const auto* list = object->if_contains("resources");
    if (list == nullptr) list = object->if_contains("items");
    if (list == nullptr || !list->is_array()) {
        return fail(Errc::facilitator_invalid_data, "expected a list: .resources or .items");
    }
    Page page;
    page.entries = list->get_array().size();
    for (const auto& each : list->get_array()) {
        auto service = read_service(each, search, assets);
        if (service) page.services.push_back(std::move(*service));
    }
    if (const auto* pages = object_in(*object, "pagination")) {
        const auto* total = pages->if_contains("total");
        if (total != nullptr && total->is_int64() && total->get_int64() >= 0) {
            page.total = static_cast<std::uint64_t>(total->get_int64());
        }
    }
    return page;
}

bool matches(const Service& service, std::string_view query) {
    auto texts = service.resource + ' ' + service.name.value_or("") + ' ' +
                 service.description.value_or("") + ' ' + service.tool.value_or("");
    for (const auto& each : service.tags) texts += ' ' + each;
    texts = to_lower(texts);
    const auto wanted = to_lower(query);
    std::string_view rest = wanted;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(' '), rest.size());
        if (!texts.contains(rest.substr(0, end))) return false;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return true;
}

Task<std::expected<net::Response, net::RequestError>> Directory::get(net::Url facilitator,
                                                                     std::string target) {
    auto path = facilitator.target.substr(0, facilitator.target.find('?'));
    while (path.ends_with('/')) path.pop_back();
    facilitator.target = path + target;
    net::Request request;
    request.headers.add("Accept", "application/json");
    co_return co_await client_.fetch(std::move(facilitator), std::move(request), kPatience);
}

Task<Result<Page>> Directory::browse(net::Url facilitator, const Search& search) {
    Page out;
    std::uint64_t offset = 0;
    for (unsigned pages = 0; pages < kPagesMax; ++pages) {
        auto target = fmt::format("/discovery/resources?limit={}&offset={}{}", kPageSize, offset,
                                  filters_of(search));
        const auto answer = co_await get(facilitator, std::move(target));
        if (!answer) co_return fail(answer.error().error);
        if (answer->status != 200) {
            co_return fail(Errc::facilitator_failed,
                           fmt::format("it answered {} to /discovery/resources", answer->status));
        }
        auto page = read_page(answer->body, search, assets_);
        if (!page) co_return fail(page.error());
        for (auto& each : page->services) {
            if (matches(each, search.query)) out.services.push_back(std::move(each));
        }
        offset += page->entries;
        out.entries += page->entries;
        out.total = page->total;
        const bool is_last = page->total ? offset >= *page->total : page->entries < kPageSize;
        if (page->entries == 0 || is_last || out.services.size() >= search.limit) break;
    }
    co_return out;
}

Task<Result<Page>> Directory::ask(net::Url facilitator, const Search& search) {
    auto target = fmt::format("/discovery/search?query={}&limit={}{}", encoded(search.query),
                              search.limit, filters_of(search));
    const auto answer = co_await get(facilitator, std::move(target));
    if (!answer) co_return fail(answer.error().error);
    if (has_no_search(answer->status)) co_return co_await browse(std::move(facilitator), search);
    if (answer->status != 200) {
        co_return fail(Errc::facilitator_failed,
                       fmt::format("it answered {} to /discovery/search", answer->status));
    }
    co_return read_page(answer->body, search, assets_);
}

Task<Found> Directory::find(Search search) {
    search.limit = std::clamp(search.limit, 1U, Search::kLimitMax);
    Found out;
    for (const auto& facilitator : facilitators_) {
        auto page = co_await ask(facilitator, search);
        if (!page) {
            out.failures.push_back(at(facilitator, page.error()));
            continue;
        }
        const auto read = page->entries;
        if (page->total.value_or(0) > read) out.partial = true;
        for (auto& each : page->services) {
            const auto known =
                std::ranges::find_if(out.services, [&](const auto& s) { return is_same(s, each); });
            if (known != out.services.end()) {
                known->facilitators.push_back(facilitator.authority());
            } else if (out.services.size() < search.limit) {
                each.facilitators.push_back(facilitator.authority());
                out.services.push_back(std::move(each));
            } else {
                out.partial = true;
            }
        }
    }
    co_return out;
}

}  // namespace farthing::wallet

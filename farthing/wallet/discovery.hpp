// SPDX-License-Identifier: Apache-2.0
// Discovery: what facilitators list as for sale. All of it is what sellers say of themselves:
// nothing here decides over a payment. Source: protocol.md sections 7 and 13.1.
#pragma once

#include <string>
#include <vector>

#include "farthing/json/schema.hpp"
#include "farthing/net/client.hpp"
#include "farthing/wallet/select.hpp"

namespace farthing::wallet {

struct Search {
    static constexpr std::uint32_t kLimitMax = 100;
    std::string query;  ///< words, each of which has to be there when we search ourselves
    std::optional<Network> network;
    std::optional<scheme::Money> max_price;
    std::uint32_t limit = 20;
};

/// One way to pay for a service.
struct Price {
    std::string price;  ///< `$0.001 USDC`, or atomic units of a token that we do not know
    std::string network;
    bool payable = false;  ///< by this wallet's rules
    static constexpr auto fields() {
        using T = Price;
        return std::tuple{field("price", &T::price), field("network", &T::network),
                          field("payable", &T::payable, "whether this wallet could pay so")};
    }
};

/// Texts are legible and cut off.
struct Service {
    std::string resource;
    std::string type;  ///< `http`, `mcp`
    std::optional<std::string> name, description, mime_type, method, tool, updated;
    std::vector<std::string> tags;
    std::vector<Price> prices;
    std::vector<std::string> facilitators;  ///< that list it
    static constexpr auto fields() {
        using T = Service;
        return std::tuple{field("resource", &T::resource),
                          field("type", &T::type, "http or mcp"),
                          field("name", &T::name),
                          field("description", &T::description),
                          field("mime_type", &T::mime_type),
                          field("method", &T::method, "of HTTP"),
                          field("tool", &T::tool, "of MCP"),
                          field("updated", &T::updated),
                          field("tags", &T::tags),
                          field("prices", &T::prices),
                          field("facilitators", &T::facilitators, "that list it")};
    }
};

struct Found {
    std::vector<Service> services;  ///< in the order of the facilitators
    std::vector<Error> failures;    ///< of facilitators that gave nothing
    bool partial = false;           ///< there is more than was read
};

/// A page of either list. Entries that cannot be read are left out. `total` is how many there are
/// in all, when the page says so. Errors: facilitator_invalid_data.
struct Page {
    std::vector<Service> services;
    std::size_t entries = 0;  ///< also those left out
    std::optional<std::uint64_t> total;
};
[[nodiscard]] Result<Page> read_page(std::string_view body, const Search& search,
                                     const AssetTable& assets);
/// Whether each word of the query is in its texts.
[[nodiscard]] bool matches(const Service& service, std::string_view query);

class Directory {
  public:
    /// `client` may reach the facilitators, which the operator names.
    Directory(net::Client& client, const AssetTable& assets, std::vector<net::Url> facilitators)
        : client_(client), assets_(assets), facilitators_(std::move(facilitators)) {}

    /// At most `search.limit`, merged. A facilitator without a search is read as a list.
    Task<Found> find(Search search);
    [[nodiscard]] bool is_empty() const { return facilitators_.empty(); }

  private:
    Task<Result<Page>> ask(net::Url facilitator, const Search& search);
    Task<Result<Page>> browse(net::Url facilitator, const Search& search);
    Task<std::expected<net::Response, net::RequestError>> get(net::Url facilitator,
                                                              std::string target);

    net::Client& client_;
    const AssetTable& assets_;
    std::vector<net::Url> facilitators_;
};

}  // namespace farthing::wallet

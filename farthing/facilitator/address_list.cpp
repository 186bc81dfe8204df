// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/address_list.hpp"

#include <fmt/format.h>

#include "farthing/io/config.hpp"

namespace farthing::facilitator {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<AddressSet> parse_address_list(std::string_view text) {
    if (text.size() > kAddressListBytesMax) {
        return fail(Errc::too_large,
                    fmt::format("expected at most {} bytes", kAddressListBytesMax));
    }
    AddressSet out;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto entry = trimmed(text.substr(0, std::min(end, text.find('#'))));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (entry.empty()) continue;
        const auto address = parse_address(entry);
        if (!address)
            return fail(Errc::invalid_field,
                        fmt::format("line {}: {}", line, address.error().detail));
        out.insert(*address);
        if (out.size() > kAddressesMax) {
            return fail(Errc::too_large,
                        fmt::format("line {}: expected at most {} addresses", line, kAddressesMax));
        }
    }
    return out;
}

Result<AddressSet> load_address_list(const std::filesystem::path& file) {
    FARTHING_TRY(const auto text, read_file(file, kAddressListBytesMax));
    auto list = parse_address_list(text);
    if (!list)
        return fail(list.error().code, fmt::format("{}: {}", file.string(), list.error().detail));
    return list;
}

}  // namespace farthing::facilitator

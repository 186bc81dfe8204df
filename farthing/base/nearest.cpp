// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace farthing {
namespace {

constexpr std::size_t kEditsMax = 2;
constexpr std::size_t kShortWord = 3;

bool same_letter(char a, char b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    return lower(a) == lower(b);
}

/// Optimal string alignment: Levenshtein's edits, and two neighbours that changed places are one.
std::size_t count_edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::swap(before, above);
        std::swap(above, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t other = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + other});
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> known) {
    std::optional<std::string_view> found;
    std::size_t fewest = kEditsMax + 1;
    for (const auto word : known) {
        // Also bounds the work: `text` may be anything.
        if (text.size() > word.size() + kEditsMax || word.size() > text.size() + kEditsMax)
            continue;
        const auto edits = count_edits(text, word);
        if (edits > (word.size() > kShortWord ? kEditsMax : 1) || edits >= fewest) continue;
        found = word;
        fewest = edits;
    }
    return found;
}

}  // namespace farthing

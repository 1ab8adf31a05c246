// Text that others have written, on its way to a terminal: what moves cursors, sets titles or rings bells is
// shown, not done. Lines and tabs stay.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace saker::app {

// Control characters, C1 ones among them, and bytes that are no UTF-8 as "\x1b"; all else as it is.
std::string printable(std::string_view text);

// Length of the well-formed UTF-8 sequence of two to four bytes at `at` (Unicode 15, table 3-7); 0: there is
// none.
size_t utf8_length(std::string_view text, size_t at);
bool is_utf8(std::string_view text);
// The sequence there is a C1 control character (U+0080 to U+009F).
bool is_c1_control(std::string_view text, size_t at);

}  // namespace saker::app

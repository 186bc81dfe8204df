# One precompiled header for every folder that talks to the world: Asio, Boost.JSON and fmt are most of what the compiler
# reads there. Third-party and standard headers only, so that editing ours rebuilds no more than it must.
add_library(world_headers STATIC ${CMAKE_CURRENT_SOURCE_DIR}/cmake/precompiled.cpp)
target_link_libraries(world_headers PUBLIC farthing_flags asio_compiled Boost::json fmt::fmt)
target_precompile_headers(world_headers PRIVATE
    <algorithm> <array> <chrono> <expected> <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <vector>
    <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/buffer.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/experimental/awaitable_operators.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>
    <boost/asio/redirect_error.hpp> <boost/asio/ssl/context.hpp> <boost/asio/ssl/stream.hpp> <boost/asio/steady_timer.hpp>
    <boost/asio/strand.hpp> <boost/asio/this_coro.hpp> <boost/asio/write.hpp>
    <boost/json.hpp> <fmt/format.h>)

# use_world_headers(<target>): only in targets that link farthing_io, whose definitions agree with the above.
function(use_world_headers target)
    target_precompile_headers(${target} REUSE_FROM world_headers)
endfunction()

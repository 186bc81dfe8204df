# farthing_library(<folder> DEPS <folders...> LIBS <third-party targets...>)
# One folder under farthing/ becomes the library farthing_<folder> from every .cpp in it (and in the folders below it), and
# <folder>_test from every _test.cpp. DEPS is the only statement of what the folder may include; tools/check_layers.py checks it.
add_library(farthing_flags INTERFACE)
target_include_directories(farthing_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(farthing_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror
                       -Wno-missing-field-initializers $<$<CONFIG:Debug>:-O1 -g1>)
# Asio 1.81's headers read an experimental GCC warning as an error nowhere else; keep third-party headers silent.
target_link_options(farthing_flags INTERFACE -fuse-ld=mold)
if(FARTHING_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
if(FARTHING_FUZZ)
    # Everything counts its edges, or the fuzzers would search blindly.
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Precompiled headers keep no time stamps, so that ccache can share them between build folders.
    target_compile_options(farthing_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Xclang -fno-pch-timestamp>)
endif()

function(farthing_library folder)
    cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    # A folder below with a CMakeLists.txt of its own is a library of its own.
    file(GLOB nested CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
    foreach(each IN LISTS nested)
        get_filename_component(below ${each} DIRECTORY)
        list(FILTER sources EXCLUDE REGEX "^${below}/")
    endforeach()
    set(tests ${sources})
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    set(deps ${ARG_DEPS})
    list(TRANSFORM deps PREPEND farthing_)
    if(sources)
        add_library(farthing_${folder} STATIC ${sources})
        target_link_libraries(farthing_${folder} PUBLIC farthing_flags ${deps} ${ARG_LIBS})
        if(folder STREQUAL "io" OR "io" IN_LIST ARG_DEPS)
            use_world_headers(farthing_${folder})
        endif()
    else()
        add_library(farthing_${folder} INTERFACE)
        target_link_libraries(farthing_${folder} INTERFACE farthing_flags ${deps} ${ARG_LIBS})
    endif()
    if(tests)
        add_executable(${folder}_test ${tests} ${CMAKE_SOURCE_DIR}/cmake/doctest_main.cpp)
        target_link_libraries(${folder}_test PRIVATE farthing_${folder} doctest::doctest rapidcheck)
        if(TARGET farthing_testing)
            target_link_libraries(${folder}_test PRIVATE farthing_testing)
        endif()
        # The chain in memory is only for folders that know a chain.
        if(folder STREQUAL "chain" OR "chain" IN_LIST ARG_DEPS)
            target_link_libraries(${folder}_test PRIVATE farthing_world)
        endif()
        if(folder STREQUAL "io" OR "io" IN_LIST ARG_DEPS)
            use_world_headers(${folder}_test)
        endif()
        add_test(NAME ${folder} COMMAND ${folder}_test)
        set_tests_properties(${folder} PROPERTIES ENVIRONMENT "FARTHING_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
    endif()
endfunction()

# farthing_database(<folder>)
# The folder's migrations/*.sql, compiled into its library in the order of their numbers; it and its tests use SOCI.
function(farthing_database folder)
    file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
    set(embedded ${CMAKE_CURRENT_BINARY_DIR}/migrations.cpp)
    add_custom_command(
        OUTPUT ${embedded}
        COMMAND ${CMAKE_COMMAND} -D "FILES=${migrations}" -D OUT=${embedded} -D FOLDER=${folder} -P ${CMAKE_SOURCE_DIR}/cmake/embed_migrations.cmake
        DEPENDS ${migrations} ${CMAKE_SOURCE_DIR}/cmake/embed_migrations.cmake
        VERBATIM)
    target_sources(farthing_${folder} PRIVATE ${embedded})
    if(FARTHING_SANITIZE)
        # SOCI hides its type information, which this check reads.
        target_compile_options(farthing_${folder} PRIVATE -fno-sanitize=vptr)
        target_compile_options(${folder}_test PRIVATE -fno-sanitize=vptr)
    endif()
endfunction()

# Writes the store's migrations as C++ string constants, in the order of their file names.
set(text "// Made by cmake/embed_migrations.cmake from farthing/store/migrations. Do not edit.\n#include \"farthing/store/migrations.hpp\"\nnamespace farthing::store {\nconst std::vector<std::string_view>& migrations() {\n    static const std::vector<std::string_view> all{\n")
list(SORT FILES)
foreach(path IN LISTS FILES)
    file(READ ${path} sql)
    string(APPEND text "        R\"sql(${sql})sql\",\n")
endforeach()
string(APPEND text "    };\n    return all;\n}\n}  // namespace farthing::store\n")
file(WRITE ${OUT} "${text}")

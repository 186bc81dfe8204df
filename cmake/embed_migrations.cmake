# Writes the migrations of a library (FOLDER) as C++ string constants, in the order of their file names.
set(text "// Made by cmake/embed_migrations.cmake from farthing/${FOLDER}/migrations. Do not edit.\n#include \"farthing/${FOLDER}/migrations.hpp\"\nnamespace farthing::${FOLDER} {\nconst std::vector<std::string_view>& migrations() {\n    static const std::vector<std::string_view> all{\n")
list(SORT FILES)
foreach(path IN LISTS FILES)
    file(READ ${path} sql)
    string(APPEND text "        R\"sql(${sql})sql\",\n")
endforeach()
string(APPEND text "    };\n    return all;\n}\n}  // namespace farthing::${FOLDER}\n")
file(WRITE ${OUT} "${text}")

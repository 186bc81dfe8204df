# Writes the deployed bytecode of the development chain's contracts as C++ string constants.
set(text "// Made by cmake/embed_contracts.cmake from contracts/artifacts. Do not edit.\n#include \"app/devnet_contracts.hpp\"\nnamespace farthing::devnet {\n")
foreach(name DevUsdc DevUsdcProxy DevPermit2 Multicall3)
    file(READ ${ARTIFACTS}/${name}.json artifact)
    string(JSON code GET "${artifact}" deployedBytecode)
    string(APPEND text "const char* const k${name}Code = \"${code}\";\n")
endforeach()
string(APPEND text "}  // namespace farthing::devnet\n")
# Our batch contract is put on other chains too: by its init code.
file(READ ${ARTIFACTS}/Batch.json artifact)
string(JSON code GET "${artifact}" bytecode)
string(APPEND text "#include \"app/batch_code.hpp\"\nnamespace farthing::app {\nconst char* const kBatchInitCode = \"${code}\";\n}  // namespace farthing::app\n")
file(WRITE ${OUT} "${text}")

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a contract wallet implements to say whether a signature is its own (ERC-1271).
interface IERC1271 {
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4);
}

/// @notice Signature text shared by the contracts of the development chain.
library Signatures {
    /// @notice Half the group order: a larger `s` is the second encoding of the same signature (EIP-2).
    uint256 internal constant kMaxS = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Cuts `r || s || v` apart. The caller has checked that there are at least 65 bytes.
    function split(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
    }

    /// @notice True if the wallet answers with the ERC-1271 magic value. A revert or a short answer is a no.
    function accepts(address wallet, bytes32 digest, bytes memory signature) internal view returns (bool) {
        (bool ok, bytes memory answer) =
            wallet.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        return ok && answer.length >= 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }
}

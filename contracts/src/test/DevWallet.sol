// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271, Signatures} from "../lib/Signatures.sol";

/// @title A contract wallet for tests
/// @notice One owner account signs for it (ERC-1271). The owner can make it refuse, or revert, to play a hostile wallet.
contract DevWallet is IERC1271 {
    /// @dev owner: the owner's signatures count; reject: none does; fail: the question itself reverts.
    enum Mode {
        owner,
        reject,
        fail
    }

    address public immutable owner;
    Mode public mode;

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {}

    modifier onlyOwner() {
        require(msg.sender == owner, "DevWallet: caller is not the owner");
        _;
    }

    function setMode(Mode newMode) external onlyOwner {
        mode = newMode;
    }

    /// @notice Calls anything in the wallet's name and passes on what it returns or reverts with.
    function execute(address target, uint256 value, bytes calldata data) external onlyOwner returns (bytes memory) {
        (bool ok, bytes memory answer) = target.call{value: value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }

    /// @notice Accepts the owner's signature over `digest`. Bytes after the 65th are ignored, as wallets that append their
    /// own data do, so a test can make a valid signature that is not 65 bytes long.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        require(mode != Mode.fail, "DevWallet: told to fail");
        if (mode == Mode.reject || signature.length < 65) return 0xffffffff;
        (bytes32 r, bytes32 s, uint8 v) = Signatures.split(signature);
        address recovered = ecrecover(digest, v, r, s);
        return recovered != address(0) && recovered == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271, Signatures} from "../lib/Signatures.sol";

/// @title The honest part of the hostile wallets
/// @notice One owner account signs for it (ERC-1271). Each wallet below breaks one thing. A wallet is asked by
/// STATICCALL and can remember nothing, but it sees whether it is asked in a transaction: questions have no gas price.
abstract contract HostileWallet is IERC1271 {
    address public immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return _accepts(digest, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function _accepts(bytes32 digest, bytes calldata signature) internal view virtual returns (bool) {
        if (signature.length != 65) return false;
        (bytes32 r, bytes32 s, uint8 v) = Signatures.split(signature);
        address recovered = ecrecover(digest, v, r, s);
        return recovered != address(0) && recovered == owner;
    }

    function _burn() internal view {
        bytes32 waste;
        // What is left suffices to look at the signature.
        while (gasleft() > 20_000) waste = keccak256(abi.encode(waste));
    }
}

/// @notice Uses all the gas it is given before it answers, whoever asks.
contract GreedyWallet is HostileWallet {
    constructor(address owner_) HostileWallet(owner_) {}

    function _accepts(bytes32 digest, bytes calldata signature) internal view override returns (bool) {
        _burn();
        return super._accepts(digest, signature);
    }
}

/// @notice The same in a transaction only: no question shows it.
contract SlyWallet is HostileWallet {
    constructor(address owner_) HostileWallet(owner_) {}

    function _accepts(bytes32 digest, bytes calldata signature) internal view override returns (bool) {
        if (tx.gasprice > 0) _burn();
        return super._accepts(digest, signature);
    }
}

/// @notice Says yes to every question and no in the transaction.
contract FickleWallet is HostileWallet {
    constructor(address owner_) HostileWallet(owner_) {}

    function _accepts(bytes32 digest, bytes calldata signature) internal view override returns (bool) {
        return tx.gasprice == 0 && super._accepts(digest, signature);
    }
}

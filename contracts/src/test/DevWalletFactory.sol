// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevWallet} from "./DevWallet.sol";

/// @title Deploys test wallets at addresses known beforehand
/// @notice The factory of a counterfactual payer (ERC-6492): the address depends on (factory, owner, salt) alone.
contract DevWalletFactory {
    /// @notice Where `deploy(owner, salt)` puts the wallet, whether or not it is there yet.
    function getAddress(address owner, bytes32 salt) public view returns (address) {
        bytes32 initHash = keccak256(abi.encodePacked(type(DevWallet).creationCode, abi.encode(owner)));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, initHash)))));
    }

    /// @notice Deploys the wallet, or does nothing if it is already deployed. Returns its address either way.
    function deploy(address owner, bytes32 salt) external returns (address wallet) {
        wallet = getAddress(owner, salt);
        if (wallet.code.length == 0) new DevWallet{salt: salt}(owner);
    }
}

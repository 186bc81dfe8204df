// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What stands at USDC's address and passes every call on to the token's code
/// @notice USDC is behind a proxy on every chain. A transaction pays for that once, about 7,000 gas: without it a payment
/// alone would look cheaper here than it is, and a batch less of a saving.
/// @dev Made for anvil_setCode: who installs it writes both slots. The slots are those of Circle's proxy.
contract DevUsdcProxy {
    /// @dev keccak256("org.zeppelinos.proxy.implementation")
    bytes32 private constant kImplementationSlot = 0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3;
    /// @dev keccak256("org.zeppelinos.proxy.admin")
    bytes32 private constant kAdminSlot = 0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b;

    fallback() external payable {
        bytes32 implementation;
        bytes32 admin;
        assembly ("memory-safe") {
            admin := sload(kAdminSlot)
            implementation := sload(kImplementationSlot)
        }
        require(msg.sender != address(uint160(uint256(admin))), "Cannot call fallback function from the proxy admin");
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), implementation, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Many EIP-3009 payments in one transaction, each with its own limit of gas
/// @notice Calls `transferWithAuthorization` (the form with v, r, s) once for each payment. One that fails, or burns all
/// the gas it is given, takes neither the money nor the gas of the others.
/// @dev Nobody has a privilege here: there is no owner, no state and no money, and ether sent along is refused. What is
/// paid, by whom and to whom is signed by the payer, and the token checks it. Anybody may send the same payments first,
/// here or to the token itself: then the money has moved as its payers signed, whoever paid the gas, and the copy that
/// comes later fails payment by payment. Nothing is done but these calls, so that being the caller of the token gives
/// nothing to anybody. The code has no constructor and no immutables: by CREATE2 it is at one address on every chain.
contract Batch {
    /// @dev What one payment takes in `packed`.
    uint256 private constant kRecord = 144;
    /// @dev What a call costs beyond what it hands on: a cold account, perhaps one that delegates to another, and what is
    /// done around it.
    uint256 private constant kCallCost = 6_000;
    /// @dev transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)
    uint256 private constant kSelector = 0xe3ee160e;

    /// @notice Makes the payments in their order.
    /// @param packed The tokens (their number in one byte, then 20 bytes each), the payees (the same), then 144 bytes for
    /// each payment, all numbers big endian: which token (1), which payee (1), v (1), the most gas that its call may use
    /// (3), value (12), validAfter (5), validBefore (5), from (20), nonce (32), r (32), s (32).
    /// @return tried How many payments were tried. It ends with the first whose gas is not there: no payment fails because
    /// the transaction was sent with too little.
    /// @return done Bit i is set if the call of payment i did not revert; of payments after the 256th it says nothing. It
    /// proves no payment: the token's events do.
    function transferAll(bytes calldata packed) external returns (uint256 tried, uint256 done) {
        bool whole;
        assembly ("memory-safe") {
            let tokens := add(packed.offset, 1)
            let payees := add(tokens, mul(20, byte(0, calldataload(packed.offset))))
            let at := add(add(payees, 1), mul(20, byte(0, calldataload(payees))))
            payees := add(payees, 1)
            let end := add(packed.offset, packed.length)
            whole := and(iszero(gt(at, end)), iszero(mod(sub(end, at), kRecord)))
            if whole {
                let input := mload(0x40)
                mstore(input, shl(224, kSelector))
                for {} lt(at, end) { at := add(at, kRecord) } {
                    let head := calldataload(at)
                    let most := and(shr(208, head), 0xffffff)
                    // A call is given at most 63 of 64 parts of what is left, silently.
                    if lt(gas(), add(add(most, div(most, 63)), kCallCost)) { break }
                    // Addresses: 20 bytes read with 12 that are not theirs, which the shifts take off.
                    mstore(add(input, 4), shr(96, calldataload(add(at, 28))))
                    mstore(add(input, 36), shr(96, calldataload(add(payees, mul(20, byte(1, head))))))
                    mstore(add(input, 68), and(shr(112, head), 0xffffffffffffffffffffffff))
                    mstore(add(input, 100), and(shr(72, head), 0xffffffffff))
                    mstore(add(input, 132), and(shr(32, head), 0xffffffffff))
                    calldatacopy(add(input, 164), add(at, 48), 32)
                    mstore(add(input, 196), byte(2, head))
                    calldatacopy(add(input, 228), add(at, 80), 64)
                    let token := shr(96, calldataload(add(tokens, mul(20, byte(0, head)))))
                    // What it returns is not copied: its length costs us nothing.
                    let good := call(most, token, 0, input, 292, 0, 0)
                    done := or(done, shl(tried, good))
                    tried := add(tried, 1)
                }
            }
        }
        require(whole, "Batch: not packed as it should be");
    }
}

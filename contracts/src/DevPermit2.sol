// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271, Signatures} from "./lib/Signatures.sol";

interface IERC20TransferFrom {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// @title Permit2 for the development chain
/// @notice The functions, typed data, events and errors of Uniswap's Permit2 that x402 needs: SignatureTransfer whole,
/// and of AllowanceTransfer the single-token part. The batch forms of `permit`, `transferFrom` and `lockdown` are absent.
/// @dev Made for anvil_setCode: no constructor and no immutables; the domain is computed on every call.
contract DevPermit2 {
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct PermitBatchTransferFrom {
        TokenPermissions[] permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    struct PermitDetails {
        address token;
        uint160 amount;
        uint48 expiration;
        uint48 nonce;
    }

    struct PermitSingle {
        PermitDetails details;
        address spender;
        uint256 sigDeadline;
    }

    struct PackedAllowance {
        uint160 amount;
        uint48 expiration;
        uint48 nonce;
    }

    error SignatureExpired(uint256 signatureDeadline);
    error InvalidNonce();
    error InvalidSignatureLength();
    error InvalidSignature();
    error InvalidSigner();
    error InvalidContractSignature();
    error InvalidAmount(uint256 maxAmount);
    error LengthMismatch();
    error AllowanceExpired(uint256 deadline);
    error InsufficientAllowance(uint256 amount);
    error ExcessiveInvalidation();

    event UnorderedNonceInvalidation(address indexed owner, uint256 word, uint256 mask);
    event NonceInvalidation(
        address indexed owner, address indexed token, address indexed spender, uint48 newNonce, uint48 oldNonce
    );
    event Approval(
        address indexed owner, address indexed token, address indexed spender, uint160 amount, uint48 expiration
    );
    event Permit(
        address indexed owner,
        address indexed token,
        address indexed spender,
        uint160 amount,
        uint48 expiration,
        uint48 nonce
    );

    bytes32 private constant kDomainTypehash =
        keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    bytes32 private constant kTokenPermissionsTypehash = keccak256("TokenPermissions(address token,uint256 amount)");
    bytes32 private constant kSingleTypehash = keccak256(
        "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)"
    );
    bytes32 private constant kBatchTypehash = keccak256(
        "PermitBatchTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)"
    );
    string private constant kSingleWitnessStub =
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,";
    string private constant kBatchWitnessStub =
        "PermitBatchWitnessTransferFrom(TokenPermissions[] permitted,address spender,uint256 nonce,uint256 deadline,";
    bytes32 private constant kPermitDetailsTypehash =
        keccak256("PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)");
    bytes32 private constant kPermitSingleTypehash = keccak256(
        "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)"
    );

    /// @notice Spent nonces: bit `nonce & 255` of word `nonce >> 8`. Order does not matter.
    mapping(address => mapping(uint256 => uint256)) public nonceBitmap;
    /// @notice owner => token => spender => what the spender may take.
    mapping(address => mapping(address => mapping(address => PackedAllowance))) public allowance;

    /// @notice The EIP-712 domain: name "Permit2", no version.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(abi.encode(kDomainTypehash, keccak256("Permit2"), block.chainid, address(this)));
    }

    // ---- SignatureTransfer: one signature, one transfer

    function permitTransferFrom(
        PermitTransferFrom memory permitData,
        SignatureTransferDetails calldata details,
        address owner,
        bytes calldata signature
    ) external {
        bytes32 permitted = _hashPermission(permitData.permitted);
        bytes32 dataHash = keccak256(
            abi.encode(kSingleTypehash, permitted, msg.sender, permitData.nonce, permitData.deadline)
        );
        _transferSingle(permitData, details, owner, dataHash, signature);
    }

    /// @notice As above, and the owner also signed `witness`: the hash of a struct of the caller's own type.
    /// @param witnessTypeString the rest of the type after the fixed members: `Witness witness)TokenPermissions(…)Witness(…)`.
    function permitWitnessTransferFrom(
        PermitTransferFrom memory permitData,
        SignatureTransferDetails calldata details,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external {
        bytes32 typehash = keccak256(abi.encodePacked(kSingleWitnessStub, witnessTypeString));
        bytes32 permitted = _hashPermission(permitData.permitted);
        bytes32 dataHash = keccak256(
            abi.encode(typehash, permitted, msg.sender, permitData.nonce, permitData.deadline, witness)
        );
        _transferSingle(permitData, details, owner, dataHash, signature);
    }

    function permitTransferFrom(
        PermitBatchTransferFrom memory permitData,
        SignatureTransferDetails[] calldata details,
        address owner,
        bytes calldata signature
    ) external {
        bytes32 permitted = _hashPermissions(permitData.permitted);
        bytes32 dataHash = keccak256(
            abi.encode(kBatchTypehash, permitted, msg.sender, permitData.nonce, permitData.deadline)
        );
        _transferBatch(permitData, details, owner, dataHash, signature);
    }

    function permitWitnessTransferFrom(
        PermitBatchTransferFrom memory permitData,
        SignatureTransferDetails[] calldata details,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external {
        bytes32 typehash = keccak256(abi.encodePacked(kBatchWitnessStub, witnessTypeString));
        bytes32 permitted = _hashPermissions(permitData.permitted);
        bytes32 dataHash = keccak256(
            abi.encode(typehash, permitted, msg.sender, permitData.nonce, permitData.deadline, witness)
        );
        _transferBatch(permitData, details, owner, dataHash, signature);
    }

    /// @notice Burns the nonces of `mask` in one word of the caller's bitmap.
    function invalidateUnorderedNonces(uint256 wordPos, uint256 mask) external {
        nonceBitmap[msg.sender][wordPos] |= mask;
        emit UnorderedNonceInvalidation(msg.sender, wordPos, mask);
    }

    // ---- AllowanceTransfer: a standing, expiring allowance per spender

    function approve(address token, address spender, uint160 amount, uint48 expiration) external {
        PackedAllowance storage allowed = allowance[msg.sender][token][spender];
        allowed.amount = amount;
        allowed.expiration = expiration == 0 ? uint48(block.timestamp) : expiration;
        emit Approval(msg.sender, token, spender, amount, expiration);
    }

    function permit(address owner, PermitSingle memory permitSingle, bytes calldata signature) external {
        if (block.timestamp > permitSingle.sigDeadline) revert SignatureExpired(permitSingle.sigDeadline);
        PermitDetails memory d = permitSingle.details;
        bytes32 details = keccak256(abi.encode(kPermitDetailsTypehash, d.token, d.amount, d.expiration, d.nonce));
        bytes32 dataHash =
            keccak256(abi.encode(kPermitSingleTypehash, details, permitSingle.spender, permitSingle.sigDeadline));
        _verify(owner, dataHash, signature);
        PackedAllowance storage allowed = allowance[owner][d.token][permitSingle.spender];
        if (allowed.nonce != d.nonce) revert InvalidNonce();
        uint48 expiration = d.expiration == 0 ? uint48(block.timestamp) : d.expiration;
        unchecked {
            allowance[owner][d.token][permitSingle.spender] = PackedAllowance(d.amount, expiration, d.nonce + 1);
        }
        emit Permit(owner, d.token, permitSingle.spender, d.amount, d.expiration, d.nonce);
    }

    function transferFrom(address from, address to, uint160 amount, address token) external {
        PackedAllowance storage allowed = allowance[from][token][msg.sender];
        if (block.timestamp > allowed.expiration) revert AllowanceExpired(allowed.expiration);
        if (allowed.amount != type(uint160).max) {
            if (amount > allowed.amount) revert InsufficientAllowance(allowed.amount);
            allowed.amount -= amount;
        }
        _pull(token, from, to, amount);
    }

    function invalidateNonces(address token, address spender, uint48 newNonce) external {
        uint48 oldNonce = allowance[msg.sender][token][spender].nonce;
        if (newNonce <= oldNonce) revert InvalidNonce();
        if (newNonce - oldNonce > type(uint16).max) revert ExcessiveInvalidation();
        allowance[msg.sender][token][spender].nonce = newNonce;
        emit NonceInvalidation(msg.sender, token, spender, newNonce, oldNonce);
    }

    // ---- Internals

    /// @dev The nonce is burnt before the token is called, so a token that calls back cannot use it twice.
    function _transferSingle(
        PermitTransferFrom memory permitData,
        SignatureTransferDetails calldata details,
        address owner,
        bytes32 dataHash,
        bytes calldata signature
    ) private {
        if (block.timestamp > permitData.deadline) revert SignatureExpired(permitData.deadline);
        if (details.requestedAmount > permitData.permitted.amount) revert InvalidAmount(permitData.permitted.amount);
        _useNonce(owner, permitData.nonce);
        _verify(owner, dataHash, signature);
        _pull(permitData.permitted.token, owner, details.to, details.requestedAmount);
    }

    function _transferBatch(
        PermitBatchTransferFrom memory permitData,
        SignatureTransferDetails[] calldata details,
        address owner,
        bytes32 dataHash,
        bytes calldata signature
    ) private {
        if (block.timestamp > permitData.deadline) revert SignatureExpired(permitData.deadline);
        if (permitData.permitted.length != details.length) revert LengthMismatch();
        _useNonce(owner, permitData.nonce);
        _verify(owner, dataHash, signature);
        for (uint256 i = 0; i < details.length; ++i) {
            TokenPermissions memory allowed = permitData.permitted[i];
            uint256 amount = details[i].requestedAmount;
            if (amount > allowed.amount) revert InvalidAmount(allowed.amount);
            if (amount != 0) _pull(allowed.token, owner, details[i].to, amount);
        }
    }

    function _useNonce(address owner, uint256 nonce) private {
        uint256 bit = 1 << (nonce & 0xff);
        if (nonceBitmap[owner][nonce >> 8] & bit != 0) revert InvalidNonce();
        nonceBitmap[owner][nonce >> 8] |= bit;
    }

    /// @dev 65 bytes, or 64 in the compact form of EIP-2098. An account with code is asked through ERC-1271 only.
    function _verify(address signer, bytes32 dataHash, bytes memory signature) private view {
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", DOMAIN_SEPARATOR(), dataHash));
        if (signer.code.length > 0) {
            bytes4 answer = IERC1271(signer).isValidSignature(digest, signature);
            if (answer != IERC1271.isValidSignature.selector) revert InvalidContractSignature();
            return;
        }
        if (signature.length != 65 && signature.length != 64) revert InvalidSignatureLength();
        (bytes32 r, bytes32 s, uint8 v) = Signatures.split(signature);
        if (signature.length == 64) {
            v = uint8(uint256(s) >> 255) + 27;
            s = bytes32(uint256(s) & type(uint256).max >> 1);
        }
        address recovered = ecrecover(digest, v, r, s);
        if (recovered == address(0)) revert InvalidSignature();
        if (recovered != signer) revert InvalidSigner();
    }

    function _hashPermission(TokenPermissions memory permitted) private pure returns (bytes32) {
        return keccak256(abi.encode(kTokenPermissionsTypehash, permitted.token, permitted.amount));
    }

    function _hashPermissions(TokenPermissions[] memory permitted) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](permitted.length);
        for (uint256 i = 0; i < permitted.length; ++i) hashes[i] = _hashPermission(permitted[i]);
        return keccak256(abi.encodePacked(hashes));
    }

    /// @dev Accepts a token that answers nothing; one that answers false or reverts fails the whole call.
    function _pull(address token, address from, address to, uint256 amount) private {
        (bool ok, bytes memory answer) =
            token.call(abi.encodeCall(IERC20TransferFrom.transferFrom, (from, to, amount)));
        bool agreed = answer.length == 0 || (answer.length >= 32 && bytes32(answer) == bytes32(uint256(1)));
        require(ok && agreed, "TRANSFER_FROM_FAILED");
    }
}

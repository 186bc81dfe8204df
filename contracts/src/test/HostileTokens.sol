// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signatures} from "../lib/Signatures.sol";

/// @title The honest part of the hostile tokens
/// @notice An EIP-3009 token for signers without code, with open minting. Each token below breaks one thing.
abstract contract HostileToken {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    struct Authorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    string public constant name = "USDC";
    string public constant symbol = "USDC";
    string public constant version = "2";
    uint8 public constant decimals = 6;

    bool public armed;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => mapping(bytes32 => bool)) public authorizationState;

    /// @notice Turns on the behaviour of tokens that are honest until told, so that a simulation can pass first.
    function arm(bool on) external {
        armed = on;
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        require(value <= allowance[from][msg.sender], "ERC20: transfer amount exceeds allowance");
        allowance[from][msg.sender] -= value;
        return _move(from, to, value);
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (bool) {
        Authorization memory a = Authorization(from, to, value, validAfter, validBefore, nonce);
        return _authorize(a, abi.encodePacked(r, s, v));
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external returns (bool) {
        Authorization memory a = Authorization(from, to, value, validAfter, validBefore, nonce);
        return _authorize(a, signature);
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        bytes32 typehash = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(
            abi.encode(typehash, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, address(this))
        );
    }

    function _authorize(Authorization memory a, bytes memory signature) internal virtual returns (bool) {
        require(block.timestamp > a.validAfter, "FiatTokenV2: authorization is not yet valid");
        require(block.timestamp < a.validBefore, "FiatTokenV2: authorization is expired");
        require(!authorizationState[a.from][a.nonce], "FiatTokenV2: authorization is used or canceled");
        require(_isSigned(a, signature), "FiatTokenV2: invalid signature");
        authorizationState[a.from][a.nonce] = true;
        emit AuthorizationUsed(a.from, a.nonce);
        return _move(a.from, a.to, a.value);
    }

    function _move(address from, address to, uint256 value) internal virtual returns (bool) {
        require(value <= balanceOf[from], "ERC20: transfer amount exceeds balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }

    function _isSigned(Authorization memory a, bytes memory signature) internal view returns (bool) {
        bytes32 typehash = keccak256(
            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 dataHash = keccak256(abi.encode(typehash, a));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", DOMAIN_SEPARATOR(), dataHash));
        if (signature.length != 65) return false;
        (bytes32 r, bytes32 s, uint8 v) = Signatures.split(signature);
        return a.from != address(0) && ecrecover(digest, v, r, s) == a.from;
    }
}

/// @notice Says no by returning false: nothing reverts, nothing moves, nothing is logged.
contract FalseToken is HostileToken {
    function _authorize(Authorization memory a, bytes memory signature) internal override returns (bool) {
        bool open = block.timestamp > a.validAfter && block.timestamp < a.validBefore;
        if (!open || authorizationState[a.from][a.nonce] || !_isSigned(a, signature)) return false;
        if (!_move(a.from, a.to, a.value)) return false;
        authorizationState[a.from][a.nonce] = true;
        emit AuthorizationUsed(a.from, a.nonce);
        return true;
    }

    function _move(address from, address to, uint256 value) internal override returns (bool) {
        if (armed || value > balanceOf[from]) return false;
        return super._move(from, to, value);
    }
}

/// @notice Once armed, reverts at the very end, after moving and after the Transfer event.
contract LateRevertToken is HostileToken {
    function _move(address from, address to, uint256 value) internal override returns (bool) {
        super._move(from, to, value);
        require(!armed, "LateRevertToken: changed its mind");
        return true;
    }
}

/// @notice Takes the same authorisation again and again, and pays each time.
contract ReplayToken is HostileToken {
    function _authorize(Authorization memory a, bytes memory signature) internal override returns (bool) {
        authorizationState[a.from][a.nonce] = false;
        return super._authorize(a, signature);
    }
}

/// @notice Keeps one percent of every transfer, so the payee gets less than was signed.
contract FeeToken is HostileToken {
    function _move(address from, address to, uint256 value) internal override returns (bool) {
        uint256 fee = value / 100;
        super._move(from, address(this), fee);
        return super._move(from, to, value - fee);
    }
}

/// @notice Once armed, spends the authorisation and logs it, but moves nothing and emits no Transfer.
contract SilentToken is HostileToken {
    function _move(address from, address to, uint256 value) internal override returns (bool) {
        return armed || super._move(from, to, value);
    }
}

/// @notice Honest to every question. In a transaction (questions have no gas price) it uses all the gas it is given and
/// then reverts: the worst that a token can do to who pays for the gas.
contract BurningToken is HostileToken {
    function _move(address from, address to, uint256 value) internal override returns (bool) {
        if (tx.gasprice > 0) {
            bytes32 waste;
            while (gasleft() > 2_000) waste = keccak256(abi.encode(waste));
            revert("BurningToken: changed its mind");
        }
        return super._move(from, to, value);
    }
}

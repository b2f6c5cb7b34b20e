"""The C functions of libbitcoinkernel that axon calls, one line each.

The wrapper that ships the library copies bytes one by one and makes an object for each handle; here
`bytes` go in by their address and a handle is an integer. Nothing outside this room sees either.

Functions come in two kinds. A *quick* one keeps Python's lock: it takes no lock of the library,
logs nothing and is over in a microsecond, and giving the lock away would cost more than the call,
up to a whole switch interval where another thread computes. Every other one gives the lock away,
because it may take long or may call back.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    c_bool,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_ubyte,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Final

from pbk.capi.library import BITCOINKERNEL_LIB

from axon.errors import AxonError


class KernelError(AxonError):
    """libbitcoinkernel failed, or a caller broke its rules; the text says what can be done."""


_SLOW: Final[ctypes.CDLL] = BITCOINKERNEL_LIB
_QUICK: Final[ctypes.CDLL] = ctypes.PyDLL(BITCOINKERNEL_LIB._name)


def _slow(name: str, result: Any, *arguments: Any) -> Any:
    function = _SLOW[f"btck_{name}"]
    function.restype, function.argtypes = result, arguments
    return function


def _quick(name: str, result: Any, *arguments: Any) -> Any:
    function = _QUICK[f"btck_{name}"]
    function.restype, function.argtypes = result, arguments
    return function


def _hidden(name: str, result: Any, *arguments: Any, quick: bool = False) -> Any:
    """A C++ method that the C interface does not offer; None where this build does not export it.

    Its mangled name states the types of its parameters: another signature would have another name.
    """
    try:
        function = (_QUICK if quick else _SLOW)[name]
    except AttributeError:
        return None
    function.restype, function.argtypes = result, arguments
    return function


HANDLE: Final = c_void_p
"""An opaque pointer of the library: an integer, None for null. `bytes` pass as their address."""

LogCallback = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
DestroyCallback = ctypes.CFUNCTYPE(None, c_void_p)
BlockCallback = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
MessageCallback = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
WarningCallback = ctypes.CFUNCTYPE(None, c_void_p, c_ubyte, c_void_p, c_size_t)
WarningOverCallback = ctypes.CFUNCTYPE(None, c_void_p, c_ubyte)
WriteCallback = ctypes.CFUNCTYPE(c_int32, c_void_p, c_size_t, c_void_p)


class _Returned(ctypes.Structure):
    """Room for a C++ object that is returned; larger than any, so that it goes by its address."""

    _fields_ = (("pointer", c_void_p), ("unused", c_void_p * 3))


class LoggingOptions(ctypes.Structure):
    """What stands before the text of a log line."""

    _fields_ = (
        ("timestamps", c_int32),
        ("time_micros", c_int32),
        ("thread_names", c_int32),
        ("source_locations", c_int32),
        ("category_levels", c_int32),
    )


class ValidationCallbacks(ctypes.Structure):
    """Called during validation, on the thread that called in; null where nobody listens.

    The block that a callback gets belongs to it and must be destroyed; states and entries do not.
    """

    _fields_ = (
        ("user_data", c_void_p),
        ("user_data_destroy", c_void_p),
        ("block_checked", BlockCallback),
        ("pow_valid_block", BlockCallback),
        ("block_connected", BlockCallback),
        ("block_disconnected", BlockCallback),
    )


class NotificationCallbacks(ctypes.Structure):
    """Called about the library's own state; axon listens to its errors and warnings only."""

    _fields_ = (
        ("user_data", c_void_p),
        ("user_data_destroy", c_void_p),
        ("block_tip", c_void_p),
        ("header_tip", c_void_p),
        ("progress", c_void_p),
        ("warning_set", WarningCallback),
        ("warning_unset", WarningOverCallback),
        ("flush_error", MessageCallback),
        ("fatal_error", MessageCallback),
    )


# Logging: one connection serves the whole process.
LOG_CATEGORY_ALL: Final = 0
LOG_CATEGORY_VALIDATION: Final = 9
LOG_LEVEL_DEBUG: Final = 1
logging_set_options = _slow("logging_set_options", None, LoggingOptions)
logging_set_level_category = _slow("logging_set_level_category", None, c_ubyte, c_ubyte)
logging_enable_category = _slow("logging_enable_category", None, c_ubyte)
logging_connection_create = _slow(
    "logging_connection_create", HANDLE, LogCallback, c_void_p, DestroyCallback
)

# Setting up.
CHAIN_TYPES: Final = {"main": 0, "test": 1, "testnet4": 2, "signet": 3, "regtest": 4}
chain_parameters_create = _slow("chain_parameters_create", HANDLE, c_ubyte)
chain_parameters_regtest = _hidden(
    "_ZN12CChainParams7RegTestERKNS_14RegTestOptionsE", _Returned, c_void_p
)
chain_parameters_signet = _hidden(
    "_ZN12CChainParams6SigNetERKNS_13SigNetOptionsE", _Returned, c_void_p
)
chain_parameters_destroy = _slow("chain_parameters_destroy", None, HANDLE)
context_options_create = _slow("context_options_create", HANDLE)
context_options_set_chainparams = _slow("context_options_set_chainparams", None, HANDLE, HANDLE)
context_options_set_notifications = _slow(
    "context_options_set_notifications", None, HANDLE, NotificationCallbacks
)
context_options_set_validation_interface = _slow(
    "context_options_set_validation_interface", None, HANDLE, ValidationCallbacks
)
context_options_destroy = _slow("context_options_destroy", None, HANDLE)
context_create = _slow("context_create", HANDLE, HANDLE)
context_interrupt = _slow("context_interrupt", c_int32, HANDLE)
context_destroy = _slow("context_destroy", None, HANDLE)
manager_options_create = _slow(
    "chainstate_manager_options_create", HANDLE, HANDLE, HANDLE, c_size_t, HANDLE, c_size_t
)
manager_options_set_threads = _slow(
    "chainstate_manager_options_set_worker_threads_num", None, HANDLE, c_int32
)
manager_options_set_wipe = _slow(
    "chainstate_manager_options_set_wipe_dbs", c_int32, HANDLE, c_int32, c_int32
)
manager_options_set_tree_in_memory = _slow(
    "chainstate_manager_options_update_block_tree_db_in_memory", None, HANDLE, c_int32
)
manager_options_set_coins_in_memory = _slow(
    "chainstate_manager_options_update_chainstate_db_in_memory", None, HANDLE, c_int32
)
manager_options_destroy = _slow("chainstate_manager_options_destroy", None, HANDLE)
manager_create = _slow("chainstate_manager_create", HANDLE, HANDLE)
manager_destroy = _slow("chainstate_manager_destroy", None, HANDLE)

# Feeding.
block_create = _slow("block_create", HANDLE, HANDLE, c_size_t)
block_get_hash = _quick("block_get_hash", HANDLE, HANDLE)
block_to_bytes = _slow("block_to_bytes", c_int32, HANDLE, WriteCallback, c_void_p)
block_destroy = _slow("block_destroy", None, HANDLE)
block_release = _quick("block_destroy", None, HANDLE)
"""The same, for a block that somebody else still holds."""
header_create = _quick("block_header_create", HANDLE, HANDLE, c_size_t)
header_to_bytes = _quick("block_header_to_bytes", c_int32, HANDLE, c_void_p)
header_destroy = _quick("block_header_destroy", None, HANDLE)
manager_process_block = _slow("chainstate_manager_process_block", c_int32, HANDLE, HANDLE, c_void_p)
manager_process_header = _slow(
    "chainstate_manager_process_block_header", c_int32, HANDLE, HANDLE, HANDLE
)
manager_import_blocks = _slow(
    "chainstate_manager_import_blocks", c_int32, HANDLE, c_void_p, c_void_p, c_size_t
)
state_create = _quick("block_validation_state_create", HANDLE)
state_mode = _quick("block_validation_state_get_validation_mode", c_ubyte, HANDLE)
state_result = _quick("block_validation_state_get_block_validation_result", c_uint32, HANDLE)
state_destroy = _quick("block_validation_state_destroy", None, HANDLE)

# The block index. Entries live as long as their manager.
hash_create = _quick("block_hash_create", HANDLE, c_void_p)
hash_to_bytes = _quick("block_hash_to_bytes", None, HANDLE, c_void_p)
hash_destroy = _quick("block_hash_destroy", None, HANDLE)
manager_active_chain = _slow("chainstate_manager_get_active_chain", HANDLE, HANDLE)
manager_best_entry = _slow("chainstate_manager_get_best_entry", HANDLE, HANDLE)
manager_entry_by_hash = _slow(
    "chainstate_manager_get_block_tree_entry_by_hash", HANDLE, HANDLE, HANDLE
)
chain_height = _slow("chain_get_height", c_int32, HANDLE)
chain_at = _slow("chain_get_by_height", HANDLE, HANDLE, c_int32)
chain_contains = _slow("chain_contains", c_int32, HANDLE, HANDLE)
entry_hash = _quick("block_tree_entry_get_block_hash", HANDLE, HANDLE)
entry_height = _quick("block_tree_entry_get_height", c_int32, HANDLE)
entry_header = _quick("block_tree_entry_get_block_header", HANDLE, HANDLE)
entry_ancestor = _quick("block_tree_entry_get_ancestor", HANDLE, HANDLE, c_int32)

# Reading.
block_read = _slow("block_read", HANDLE, HANDLE, HANDLE)
spent_read = _slow("block_spent_outputs_read", HANDLE, HANDLE, HANDLE)
spent_count = _quick("block_spent_outputs_count", c_size_t, HANDLE)
spent_at = _quick("block_spent_outputs_get_transaction_spent_outputs_at", HANDLE, HANDLE, c_size_t)
spent_destroy = _slow("block_spent_outputs_destroy", None, HANDLE)
spent_coins = _quick("transaction_spent_outputs_count", c_size_t, HANDLE)
spent_coin_at = _quick("transaction_spent_outputs_get_coin_at", HANDLE, HANDLE, c_size_t)
coin_height = _quick("coin_confirmation_height", c_uint32, HANDLE)
coin_is_coinbase = _quick("coin_is_coinbase", c_int32, HANDLE)
coin_output = _quick("coin_get_output", HANDLE, HANDLE)
output_amount = _quick("transaction_output_get_amount", c_int64, HANDLE)
output_script = _quick("transaction_output_get_script_pubkey", HANDLE, HANDLE)
script_to_bytes = _quick("script_pubkey_to_bytes", c_int32, HANDLE, WriteCallback, c_void_p)

# Verifying scripts.
transaction_create = _quick("transaction_create", HANDLE, HANDLE, c_size_t)
transaction_destroy = _quick("transaction_destroy", None, HANDLE)
script_create = _quick("script_pubkey_create", HANDLE, HANDLE, c_size_t)
script_destroy = _quick("script_pubkey_destroy", None, HANDLE)
output_create = _quick("transaction_output_create", HANDLE, HANDLE, c_int64)
output_destroy = _quick("transaction_output_destroy", None, HANDLE)
precomputed_create = _quick(
    "precomputed_transaction_data_create", HANDLE, HANDLE, c_void_p, c_size_t
)
precomputed_destroy = _quick("precomputed_transaction_data_destroy", None, HANDLE)
_VERIFY = (HANDLE, c_int64, HANDLE, HANDLE, c_uint32, c_uint32, c_void_p)
script_verify = _slow("script_pubkey_verify", c_int32, *_VERIFY)
script_verify_quick = _quick("script_pubkey_verify", c_int32, *_VERIFY)
"""The same without giving Python's lock away."""

# Changing the active chain by order. The C interface has nothing for that; see `rearrange`.
chainman_active = _hidden("_ZNK17ChainstateManager16ActiveChainstateEv", HANDLE, HANDLE)
chainman_find_best_header = _hidden("_ZN17ChainstateManager21RecalculateBestHeaderEv", None, HANDLE)
_BLOCK = (HANDLE, HANDLE, HANDLE)  # Of a chain state, with the state of validation and an entry.
chainstate_invalidate = _hidden(
    "_ZN10Chainstate15InvalidateBlockER20BlockValidationStateP11CBlockIndex", c_bool, *_BLOCK
)
chainstate_prefer = _hidden(
    "_ZN10Chainstate13PreciousBlockER20BlockValidationStateP11CBlockIndex", c_bool, *_BLOCK
)
chainstate_reconsider = _hidden(
    "_ZN10Chainstate22ResetBlockFailureFlagsEP11CBlockIndex", None, HANDLE, HANDLE
)

# The sizes of its caches: see `kernelcache`.
chainstate_resize = _hidden(
    "_ZN10Chainstate17ResizeCoinsCachesEmm", c_bool, HANDLE, c_size_t, c_size_t
)
malloc_usable_size = _hidden("malloc_usable_size", c_size_t, c_void_p)
"""Of the C library, which is asked through the same handle: the size of what it has given."""

# MuHash. A `std::span` is passed as its address and its size.
muhash_insert = _hidden(
    "_ZN10MuHash30726InsertESt4spanIKhLm18446744073709551615EE",
    c_void_p,
    c_void_p,
    c_char_p,
    c_size_t,
    quick=True,
)
muhash_remove = _hidden(
    "_ZN10MuHash30726RemoveESt4spanIKhLm18446744073709551615EE",
    c_void_p,
    c_void_p,
    c_char_p,
    c_size_t,
    quick=True,
)
muhash_finalize = _hidden("_ZN10MuHash30728FinalizeER7uint256", None, c_void_p, c_void_p)

# Scripts under every rule that Bitcoin Core has, and why one fails: what `script_verify` calls with
# the rules of consensus alone. See `scriptrun`.
_RUN = (
    "_Z12VerifyScriptRK7CScriptS1_PK14CScriptWitness19script_verify_flagsRK20BaseSignatureChecker"
)
_RUN += "P13ScriptError_t"
_RUN_WITH = (HANDLE, HANDLE, c_void_p, c_uint64, c_void_p, c_void_p)
script_run = _hidden(_RUN, c_bool, *_RUN_WITH)
script_run_quick = _hidden(_RUN, c_bool, *_RUN_WITH, quick=True)
_CHECKER = "_ZN34GenericTransactionSignatureCheckerI12CTransactionE"
checker_create = _hidden(
    f"{_CHECKER}C1EPKS0_jRKlRK26PrecomputedTransactionData19MissingDataBehavior",
    None,
    *(c_void_p, c_void_p, c_uint32, c_void_p, HANDLE, c_int32),
    quick=True,
)
checker_destroy = _hidden(f"{_CHECKER}D1Ev", None, c_void_p, quick=True)

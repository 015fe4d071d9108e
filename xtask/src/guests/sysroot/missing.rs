//! What std for wasm32-wasip2 refers to and Debian's wasi-libc of 2022 lacks: threads and sockets, all of which fail.
//! Compiled on its own and added to that libc; not a module of this crate.
#![no_std]
#![allow(unused_variables, reason = "the signatures are those of C")]

use core::ffi::{c_char, c_int, c_void};

type Pointer = *mut c_void;

/// `ENOTSUP` of wasi-libc.
const UNSUPPORTED: c_int = 58;

macro_rules! missing {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $value:expr;)*) => {
        $(#[unsafe(no_mangle)] pub unsafe extern "C" fn $name($($argument: $type),*) -> $result { $value })*
    };
}

missing! {
    pthread_attr_init(a: Pointer) -> c_int = 0;
    pthread_attr_destroy(a: Pointer) -> c_int = 0;
    pthread_attr_setstacksize(a: Pointer, n: usize) -> c_int = 0;
    pthread_create(a: Pointer, b: Pointer, c: Pointer, d: Pointer) -> c_int = UNSUPPORTED;
    pthread_detach(a: Pointer) -> c_int = UNSUPPORTED;
    pthread_join(a: Pointer, b: Pointer) -> c_int = UNSUPPORTED;
    socket(a: c_int, b: c_int, c: c_int) -> c_int = -1;
    bind(a: c_int, b: Pointer, c: u32) -> c_int = -1;
    connect(a: c_int, b: Pointer, c: u32) -> c_int = -1;
    listen(a: c_int, b: c_int) -> c_int = -1;
    getpeername(a: c_int, b: Pointer, c: Pointer) -> c_int = -1;
    getsockname(a: c_int, b: Pointer, c: Pointer) -> c_int = -1;
    setsockopt(a: c_int, b: c_int, c: c_int, d: Pointer, e: u32) -> c_int = -1;
    recvfrom(a: c_int, b: Pointer, c: usize, d: c_int, e: Pointer, f: Pointer) -> isize = -1;
    sendto(a: c_int, b: Pointer, c: usize, d: c_int, e: Pointer, f: u32) -> isize = -1;
    getaddrinfo(a: Pointer, b: Pointer, c: Pointer, d: Pointer) -> c_int = 4;
    freeaddrinfo(a: Pointer) -> () = ();
    gai_strerror(a: c_int) -> *const c_char = c"unsupported".as_ptr();
    chmod(a: Pointer, b: u32) -> c_int = -1;
    fchmod(a: c_int, b: u32) -> c_int = -1;
    realpath(a: Pointer, b: Pointer) -> *mut c_char = core::ptr::null_mut();
}

//! The `mvrec` command.

use std::alloc::{GlobalAlloc, Layout};

use mimalloc::MiMalloc;

/// Row groups and blocks of lines come and go by the megabyte; the system's allocator gives each
/// back to the kernel and fetches it anew, which cost a fifth of the time of `filter`. Huge pages
/// are left out (`no_thp`): they took twice the memory for no time.
///
/// Where there is no more memory, the process ends with a message and exit code 1, and clears its
/// unfinished outputs away; Rust would abort.
struct Allocator(MiMalloc);

#[global_allocator]
static ALLOCATOR: Allocator = Allocator(MiMalloc);

fn checked(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() && size > 0 {
        mvrec::cli::out_of_memory(size);
    }
    pointer
}

#[expect(unsafe_code, reason = "that is how Rust is given an allocator")]
// SAFETY: each call is handed on to MiMalloc with the same arguments, and its result comes back
// unchanged.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this function, which is the same.
        checked(unsafe { self.0.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { self.0.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { self.0.realloc(pointer, layout, new_size) }, new_size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.0.dealloc(pointer, layout) }
    }
}

/// Called by the loader, before Rust puts something in the place of a stdout that is closed.
#[cfg(all(target_os = "linux", not(target_env = "musl")))]
#[expect(unsafe_code, reason = "a section of the binary is named")]
#[used]
// SAFETY: the loader calls the functions of this section one by one; this one asks for the flags of
// a descriptor and keeps the answer.
#[unsafe(link_section = ".init_array")]
static LOOK_FOR_STDOUT: extern "C" fn() = look_for_stdout;

#[cfg(all(target_os = "linux", not(target_env = "musl")))]
extern "C" fn look_for_stdout() {
    mvrec::cli::look_for_stdout();
}

fn main() -> std::process::ExitCode {
    mvrec::cli::main()
}

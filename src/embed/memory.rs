//! The memory of a network's maps, kept for the next layer instead of being given back to the system.
//!
//! libtorch asks for the memory of each layer's output and frees it when the next layer has read it: some megabytes, a hundred
//! times a batch. The C library gives such pieces back to the system and takes new ones, and the system clears every
//! page of them: up to a third of a small network's time.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::sync::Once;

/// From now on the C library keeps freed memory for this process, as much as a batch's maps need. Only glibc has the
/// switches; elsewhere nothing happens.
pub(super) fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Pieces up to this size come out of the memory that is kept; glibc takes no larger number.
        const MOST_OF_A_PIECE: libc::c_int = 32 << 20;
        // So much at the end of an arena stays.
        const MOST_KEPT: libc::c_int = 128 << 20;
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            #[allow(unsafe_code, reason = "no safe library has these switches; they take numbers and change no memory")]
            // SAFETY: `mallopt` takes no pointer. glibc's manual calls it unsafe beside other threads (`const:mallopt`): it
            // writes, under the lock of malloc's main arena, numbers that other threads may read without one. It is called
            // once, before the network's own threads start; for threads that are there already each number is one aligned
            // word, malloc works with the old value as with the new one, and either only decides where a piece comes from.
            unsafe {
                libc::mallopt(libc::M_MMAP_THRESHOLD, MOST_OF_A_PIECE);
                libc::mallopt(libc::M_TRIM_THRESHOLD, MOST_KEPT);
            }
        });
    }
}

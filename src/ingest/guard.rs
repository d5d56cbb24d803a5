//! A decoder that panics has met a file that is broken in a new way. The panic ends here, and quietly: the user
//! gets our answer, not a backtrace of somebody else's code.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// The decoder panicked; what it worked on must not be used again.
#[derive(Debug)]
pub(super) struct Panicked;

/// Runs `work` and turns a panic into an error.
///
/// # Errors
/// `Panicked`.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // All other panics, on this thread and on others, are reported as before.
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                usual(panic);
            }
        }));
    });
    GUARDED.set(true);
    // The callers give up whatever the closure borrowed.
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    done.map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_call_works() {
        let empty: &[u8] = &[];
        assert!(guard(|| empty[std::hint::black_box(3)]).is_err());
        assert_eq!(guard(|| 7).unwrap(), 7);
        assert!(!GUARDED.get());
    }
}

//! Threads that share work, for benchmarks: as many as they are told.

use std::{sync::Mutex, thread};

use lookalike::similarity::WorkItem;

/// Does work items on so many threads, as the explorer does on all cores.
pub fn on_threads(items: Vec<WorkItem<'_>>, threads: usize) {
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().expect("no item panics").next();
    let work = || {
        while let Some(item) = next() {
            item();
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

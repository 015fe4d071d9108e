//! Taking connections, whatever they come in on.

use std::io;
use std::time::Duration;

/// How long to wait after a connection could not be accepted: the usual cause, too many open files, does not go away
/// immediately.
const RETRY_ACCEPT: Duration = Duration::from_millis(50);

/// Slows down a loop of failing accepts.
pub(super) async fn accepted<T>(result: io::Result<T>) -> io::Result<T> {
    if result.is_err() {
        tokio::time::sleep(RETRY_ACCEPT).await;
    }
    result
}

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

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_not_repeated_at_once() {
        let began = Instant::now();
        assert!(accepted::<()>(Err(io::ErrorKind::Other.into())).await.is_err());
        assert_eq!(began.elapsed(), RETRY_ACCEPT);
        assert!(accepted(Ok(())).await.is_ok());
        assert_eq!(began.elapsed(), RETRY_ACCEPT);
    }
}

//! The bytes of a connection, on which what the framework refuses by itself becomes an object as well.
//!
//! A head that is no HTTP, or is too large, never becomes a request: hyper answers it with a bare status and closes the
//! connection. These answers are known by their form (no body, and no id, which all of ours have) and replaced. What the
//! client still sends is read for a while, since a connection that is closed over unread bytes loses its answer.
//!
//! What hyper ends without an answer is refused here as well ([`Wire::refuse`]): HTTP/2, and a head that does not come. And
//! a client that reads nothing is not waited for without end: what it holds of the server's would be lost with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Headers that hyper gives to its own answers.
const BARE: [&str; 3] = ["connection: close", "content-length: 0", "date: "];
/// The longest of these answers.
const LONGEST: usize = 512;
/// How much more of a refused head is read and thrown away, and for how long.
const DRAINED: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// What is sent in the place of a bare status.
pub(crate) type Refuse = Box<dyn Fn(StatusCode) -> Bytes + Send + Sync>;

/// A connection.
pub(crate) struct Wire<S> {
    stream: S,
    refuse: Refuse,
    /// What is still to be sent in the place of a bare status.
    left: Bytes,
    /// Set once something was refused: until when the rest is read, and how much of it was.
    draining: Option<(Pin<Box<Sleep>>, usize)>,
    closed: bool,
    /// How long the client may read nothing of what is sent to it, and until when it may now.
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, patience: Duration, refuse: Refuse) -> Self {
        Self {
            stream,
            refuse,
            left: Bytes::new(),
            draining: None,
            closed: false,
            patience,
            stuck: None,
        }
    }

    /// Answers what never became a request, and closes.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn refuse(&mut self, status: StatusCode) -> io::Result<()> {
        self.put_refusal(status);
        self.shutdown().await
    }

    fn put_refusal(&mut self, status: StatusCode) {
        self.left = (self.refuse)(status);
        self.draining = Some((Box::pin(sleep(DRAIN_TIME)), 0));
    }

    /// Writes to the client, which has to read some of it in time.
    fn write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.stuck = None;
                Poll::Ready(written)
            }
            Poll::Pending => {
                let patience = self.patience;
                let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
                ready!(stuck.as_mut().poll(context));
                let seconds = patience.as_secs();
                let message = format!("the client read nothing for {seconds} s");
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
            }
        }
    }

    /// Sends what stands in the place of a bare status.
    fn send_left(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.left.is_empty() {
            let left = self.left.clone();
            match ready!(self.write(context, &left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.left.advance(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads on without keeping anything, until the client closes.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some((end, drained)) = &mut self.draining else {
            return Poll::Ready(());
        };
        let mut room = [0; 8 << 10];
        while *drained < DRAINED {
            let mut some = ReadBuf::new(&mut room);
            match Pin::new(&mut self.stream).poll_read(context, &mut some) {
                Poll::Ready(Ok(())) if !some.filled().is_empty() => {
                    *drained += some.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return end.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

/// Where a bare status begins, which is the last that is written on a connection.
fn bare_status(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let from = head.len().saturating_sub(LONGEST);
    let begin = b"HTTP/1.1 ";
    let mut places = head[from..].windows(begin.len()).enumerate();
    let (at, _) = places.rfind(|(_, window)| window == begin)?;
    let head = std::str::from_utf8(&head[from + at..]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.get(begin.len()..begin.len() + 3)?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let is_bare = |line: &str| BARE.iter().any(|bare| line.starts_with(bare));
    (status.is_client_error() && lines.all(is_bare)).then_some((from + at, status))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.send_left(context))?;
        match bare_status(bytes) {
            None => this.write(context, bytes),
            Some((0, status)) => {
                this.put_refusal(status);
                Poll::Ready(Ok(bytes.len()))
            }
            // First what stands before it.
            Some((at, _)) => this.write(context, &bytes[..at]),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.send_left(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            ready!(this.send_left(context))?;
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            this.closed = true;
        }
        ready!(this.drain(context));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::AsyncReadExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(3600);

    const BARE: &[u8] =
        b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
          date: Sun, 29 Nov 2026 12:00:00 GMT\r\n\r\n";

    #[test]
    fn a_bare_status_is_known_and_ours_are_left_alone() {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(bare_status(BARE), Some((0, status)));
        let behind = [b"data: {}\n\n\r\n".as_slice(), BARE].concat();
        assert_eq!(bare_status(&behind), Some((12, status)));
        for bytes in [
            b"HTTP/1.1 400 Bad Request\r\nx-request-id: req-1\r\ncontent-length: 0\r\n\r\n"
                .as_slice(),
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: x\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}",
            b"0\r\n\r\n",
            b"HTTP/1.1 4\r\n\r\n",
            b"",
        ] {
            assert_eq!(
                bare_status(bytes),
                None,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[tokio::test]
    async fn a_bare_status_is_replaced_behind_what_stands_before_it_and_the_rest_is_read() {
        let (client, server) = tokio::io::duplex(64);
        let refuse = |status: StatusCode| format!("refused with {}", status.as_u16()).into();
        let mut wire = Wire::new(server, PATIENCE, Box::new(refuse));
        let answers = tokio::spawn(async move {
            wire.write_all(b"an answer; ").await.unwrap();
            wire.write_all(&[b"its end; ".as_slice(), BARE].concat())
                .await
                .unwrap();
            wire.flush().await.unwrap();
            wire.shutdown().await.unwrap();
        });
        let (mut from, mut to) = tokio::io::split(client);
        let sends = tokio::spawn(async move {
            to.write_all(&[b'a'; 10_000]).await.unwrap();
            to.shutdown().await.unwrap();
        });
        let mut told = String::new();
        from.read_to_string(&mut told).await.unwrap();
        assert_eq!(told, "an answer; its end; refused with 431");
        sends.await.unwrap();
        answers.await.unwrap();
    }
    #[tokio::test]
    async fn a_client_that_reads_nothing_is_not_waited_for_without_end() {
        let (client, server) = tokio::io::duplex(64);
        let refuse = |_: StatusCode| Bytes::new();
        let mut wire = Wire::new(server, Duration::from_millis(1), Box::new(refuse));
        let error = wire.write_all(&[b'a'; 65]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}

//! A call to the plugin: the message, and the metadata that is sent with it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use tonic::Status;
use tonic::metadata::{Ascii, MetadataValue};

use crate::proto::pluginv2::{
    CallResourceRequest, CheckHealthRequest, DataFrameFormat, QueryChunkedDataRequest, QueryDataRequest,
    StringList,
};

pub struct Call<M, R> {
    pub message: M,
    metadata: Vec<(&'static str, String)>,
    deadline: Option<Duration>,
    send: Send<M, R>,
}

type Answering<R> = Pin<Box<dyn Future<Output = Result<R, Status>> + std::marker::Send>>;
type Send<M, R> = Box<dyn FnOnce(tonic::Request<M>) -> Answering<R> + std::marker::Send>;

// === impl Call ===

impl<M, R> Call<M, R> {
    pub fn new(
        message: M,
        send: impl FnOnce(tonic::Request<M>) -> Answering<R> + std::marker::Send + 'static,
    ) -> Self {
        Self { message, metadata: Vec::new(), deadline: None, send: Box::new(send) }
    }

    /// Makes the call part of a trace, with a `traceparent` like that of Grafana's gRPC client.
    pub fn traceparent(self, traceparent: &str) -> Self {
        self.metadata("traceparent", traceparent)
    }

    pub fn metadata(mut self, key: &'static str, value: &str) -> Self {
        self.metadata.push((key, value.to_owned()));
        self
    }

    /// Sends the plugin a deadline. It is not enforced here, so if the call ends then, the plugin has ended it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Changes the message in ways for which there is no method.
    pub fn with(mut self, change: impl FnOnce(&mut M)) -> Self {
        change(&mut self.message);
        self
    }
}

impl<M: 'static, R: std::marker::Send + 'static> Call<M, R> {
    /// Changes what comes of it.
    pub fn map<T>(self, map: impl FnOnce(R) -> T + std::marker::Send + 'static) -> Call<M, T> {
        self.then(|answer| async { Ok(map(answer)) })
    }

    /// Goes on with what comes of it.
    pub fn then<T, F>(self, next: impl FnOnce(R) -> F + std::marker::Send + 'static) -> Call<M, T>
    where
        F: Future<Output = Result<T, Status>> + std::marker::Send,
    {
        let Self { message, metadata, deadline, send } = self;
        let send = Box::new(move |request| -> Answering<T> {
            let answer = send(request);
            Box::pin(async move { next(answer.await?).await })
        });
        Call { message, metadata, deadline, send }
    }
}

impl<R> Call<QueryDataRequest, R> {
    pub fn format(self, format: DataFrameFormat) -> Self {
        self.with(|message| message.format = format.into())
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|message| drop(message.headers.insert(name.to_owned(), value.to_owned())))
    }
}

impl<R> Call<QueryChunkedDataRequest, R> {
    pub fn format(self, format: DataFrameFormat) -> Self {
        self.with(|message| message.format = format.into())
    }
}

impl<R> Call<CheckHealthRequest, R> {
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|message| drop(message.headers.insert(name.to_owned(), value.to_owned())))
    }
}

impl<R> Call<CallResourceRequest, R> {
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|message| {
            drop(message.headers.insert(name.to_owned(), StringList { values: vec![value.to_owned()] }))
        })
    }
}

impl<M, R> IntoFuture for Call<M, R> {
    type Output = Result<R, Status>;
    type IntoFuture = Answering<R>;

    fn into_future(self) -> Self::IntoFuture {
        let mut request = tonic::Request::new(self.message);
        for (key, value) in self.metadata {
            let Ok(value) = value.parse::<MetadataValue<Ascii>>() else {
                let what = format!("the metadata {key} is not ASCII text");
                return Box::pin(async { Err(Status::invalid_argument(what)) });
            };
            request.metadata_mut().append(key, value);
        }
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        (self.send)(request)
    }
}

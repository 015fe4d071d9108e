//! `#[gpx_tests::test]`: an asynchronous test that runs to its end, or fails if it hangs.
//!
//! It is a separate crate because procedural macros must be. It reads the tokens without a parser crate, which would
//! take far longer to build than the little parsing here justifies.

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// Turns `async fn name() { … }` into a `#[test]` that passes the body to `gpx_tests::run`.
#[proc_macro_attribute]
pub fn test(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let asynchronous = tokens.iter().position(|token| is_word(token, "async"));
    let (Some(place), Some(TokenTree::Group(body))) = (asynchronous, tokens.pop()) else {
        return r#"compile_error!("a test must be an `async fn`");"#.parse().unwrap_or_default();
    };
    let keyword = tokens.remove(place);
    let mut argument = TokenStream::from(keyword);
    argument.extend([TokenTree::from(word("move")), TokenTree::Group(body)]);
    let mut call: TokenStream = path(["gpx_tests", "run"]);
    call.extend([TokenTree::from(Group::new(Delimiter::Parenthesis, argument))]);

    let mut test = TokenStream::from(TokenTree::from(Punct::new('#', Spacing::Alone)));
    test.extend([TokenTree::from(Group::new(Delimiter::Bracket, path(["core", "prelude", "v1", "test"])))]);
    test.extend(tokens);
    test.extend([TokenTree::from(Group::new(Delimiter::Brace, call))]);
    test
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn word(text: &str) -> Ident {
    Ident::new(text, Span::call_site())
}

/// `::a::b`
fn path<const N: usize>(words: [&str; N]) -> TokenStream {
    let colon = |spacing| TokenTree::from(Punct::new(':', spacing));
    words
        .into_iter()
        .flat_map(|text| [colon(Spacing::Joint), colon(Spacing::Alone), TokenTree::from(word(text))])
        .collect()
}

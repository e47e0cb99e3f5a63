//! Named reasons: enums whose names are what counts, decisions and reports show.

/// Defines an enum of named reasons: `snake_case` in JSON, with its `ALL` and `name`.
macro_rules! named_reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$reason_doc:meta])* $reason:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            ::serde::Serialize, ::serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$reason_doc])* #[serde(rename = $text)] $reason,)+
        }

        impl $name {
            /// Every reason, in the order in which the funnel asks.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];

            /// The name that counts and reports use.
            pub fn name(self) -> &'static str {
                match self { $(Self::$reason => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named_reasons;

//! A report on paper and on screen: JSON, a self-contained page, plain text, subtitles, a terminal summary.

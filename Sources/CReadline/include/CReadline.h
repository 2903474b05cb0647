#ifndef QQ_CREADLINE_H
#define QQ_CREADLINE_H

#include <stddef.h>

// GNU readline's callback interface, for one line that is edited at the bottom of the terminal while others are written
// above it. All of it belongs to one thread, the one that calls qq_line_begin.
// Source: "Programming with GNU Readline", version 8.2, sections 2.4.12 and 2.5.

typedef struct {
  // Enter: the line is gone from the screen, and the cursor stands where its prompt began. NULL is the end of input.
  void (*line)(const char *text);
  // Tab: gives the completions of what stands before the cursor by qq_line_candidate, each a replacement for all of it.
  void (*complete)(const char *before_cursor);
  // There are several of them: to be shown. The line is gone from the screen until this returns.
  void (*list)(char **candidates, size_t count);
  // The screen was cleared.
  void (*cleared)(void);
} qq_line_handlers;

// `stays`: the line stays on the screen after Enter, for terminals that can't take it away.
// `columns`: what the prompt takes on the screen.
// After what is remembered of earlier lines was added to the history.
void qq_line_begin(const char *prompt, int columns, qq_line_handlers handlers, int history_limit, int stays);
void qq_line_end(void);

// Reads a key that is there, and does what it says.
void qq_line_read(void);
// A search, an argument or a list is on the screen, which is to be left alone.
int qq_line_is_occupied(void);

// Takes the line from the screen: the cursor stands where its prompt began.
void qq_line_hide(void);
// The same after the terminal's width has changed, where lines are wrapped anew by the terminal. Rows of other
// things above it, each of `columns` columns, go too.
void qq_line_hide_after_resize(int rows_above, int columns, int new_rows, int new_columns);
void qq_line_show(void);
// While it is hidden.
void qq_line_set_prompt(const char *prompt, int columns);
// Rows that the line takes at most.
int qq_line_rows(int columns);

// Ctrl-C: ends a search and the like, and empties the line. Returns whether there was anything.
int qq_line_clear(void);
// Gives the terminal back, and takes it again.
void qq_line_suspend(void);
void qq_line_resume(void);

void qq_line_candidate(const char *text);
void qq_line_add_history(const char *text);

// Makes the process treat text as UTF-8, whatever the locale's language.
void qq_use_utf8(void);

#endif

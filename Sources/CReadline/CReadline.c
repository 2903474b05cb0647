#define _GNU_SOURCE
#include "CReadline.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <readline/history.h>
#include <readline/readline.h>

static qq_line_handlers handlers;
static char *accepted;
static int line_stays;
static int prompt_columns;
static char **candidates;
static size_t candidate_count, candidate_room, candidate_next;

void qq_use_utf8(void) {
  setlocale(LC_CTYPE, "");
  if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return;
  setlocale(LC_CTYPE, "C.UTF-8");
  // Readline sets it anew, from here.
  setenv("LC_ALL", "C.UTF-8", 1);
}

// MARK: Enter

// In the place of accept-line: takes the line away before it is done with, so that what was typed can be shown as a
// message and not twice.
static int accept_line(int count, int key) {
  free(accepted);
  accepted = rl_copy_text(0, rl_end);
  if (line_stays) return rl_newline(count, key);
  rl_clear_visible_line();
  // Undone by readline where the line was one of the history's.
  rl_delete_text(0, rl_end);
  rl_point = rl_mark = 0;
  // An empty line is then left without a newline.
  rl_erase_empty_line = 1;
  int result = rl_newline(count, key);
  rl_erase_empty_line = 0;
  fflush(rl_outstream);
  return result;
}

static void line_is_done(char *line) {
  char *text = accepted ? accepted : line;
  // Accepted by another key than Enter: it stays where it was, below what is written next.
  if (line && text == line && !line_stays) handlers.cleared();
  // The next prompt comes in the place of this one.
  if (!text && !line_stays) rl_clear_visible_line();
  accepted = NULL;
  if (line && text != line) free(line);
  fflush(rl_outstream);
  handlers.line(text);
  free(text);
}

static int clear_screen(int count, int key) {
  int result = rl_clear_screen(count, key);
  if (count == 1 || !rl_explicit_arg) handlers.cleared();
  return result;
}

static int clear_display(int count, int key) {
  int result = rl_clear_display(count, key);
  handlers.cleared();
  return result;
}

// Wherever a key of this keymap runs one function, it runs the other.
static void replace_in(Keymap map, rl_command_func_t *old, rl_command_func_t *new) {
  char **sequences = rl_invoking_keyseqs_in_map(old, map);
  if (!sequences) return;
  for (char **sequence = sequences; *sequence; sequence++) {
    rl_bind_keyseq_in_map(*sequence, new, map);
    free(*sequence);
  }
  free(sequences);
}

static void replace(rl_command_func_t *old, rl_command_func_t *new) {
  // vi's insertion and movement keymaps too.
  const char *names[] = {"emacs", "vi-insert", "vi-command"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) replace_in(rl_get_keymap_by_name(names[i]), old, new);
}

// MARK: Tab

void qq_line_candidate(const char *text) {
  if (candidate_count == candidate_room) {
    size_t room = candidate_room ? 2 * candidate_room : 64;
    char **more = realloc(candidates, room * sizeof *more);
    if (!more) return;
    candidates = more;
    candidate_room = room;
  }
  char *copy = strdup(text);
  if (copy) candidates[candidate_count++] = copy;
}

static char *next_candidate(const char *text, int state) {
  (void)text;
  if (state == 0) candidate_next = 0;
  return candidate_next < candidate_count ? candidates[candidate_next++] : NULL;
}

static char **complete(const char *text, int start, int end) {
  (void)start;
  (void)end;
  rl_attempted_completion_over = 1;
  rl_completion_append_character = '\0';
  rl_completion_suppress_append = 1;
  candidate_count = 0;
  handlers.complete(text);
  if (candidate_count == 0) return NULL;
  // Readline owns the candidates from here on.
  return rl_completion_matches(text, next_candidate);
}

// All that stands before the cursor is one word, which a candidate replaces.
static char *word_breaks(void) { return ""; }

static void list_candidates(char **matches, int count, int longest) {
  (void)longest;
  qq_line_hide();
  handlers.list(matches + 1, (size_t)count);
  rl_on_new_line();
}

// At the end of input readline would go to a new line, where what is taken away next doesn't stand.
static void give_back(void) {
  int was_end = rl_eof_found;
  rl_eof_found = 0;
  rl_deprep_terminal();
  rl_eof_found = was_end;
}

// MARK: The line

void qq_line_begin(const char *prompt, int columns, qq_line_handlers new_handlers, int history_limit, int stays) {
  handlers = new_handlers;
  line_stays = stays;
  prompt_columns = columns;
  rl_readline_name = "qq";
  // Signals are the program's, which writes to the same terminal.
  rl_catch_signals = 0;
  rl_catch_sigwinch = 0;
  rl_change_environment = 0;
  rl_deprep_term_function = give_back;
  rl_attempted_completion_function = complete;
  rl_completion_word_break_hook = word_breaks;
  rl_completer_quote_characters = "";
  rl_completion_display_matches_hook = list_candidates;
  rl_completion_query_items = -1;
  rl_sort_completion_matches = 0;
  stifle_history(history_limit);
  rl_initialize();
  replace(rl_newline, accept_line);
  replace(rl_clear_screen, clear_screen);
  replace(rl_clear_display, clear_display);
  rl_callback_handler_install(prompt, line_is_done);
  fflush(rl_outstream);
}

void qq_line_end(void) {
  rl_callback_handler_remove();
  fflush(rl_outstream);
}

void qq_line_read(void) {
  rl_callback_read_char();
  fflush(rl_outstream);
}

int qq_line_is_occupied(void) {
  return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG | RL_STATE_COMPLETING |
                    RL_STATE_METANEXT | RL_STATE_MOREINPUT) != 0;
}

void qq_line_hide(void) {
  rl_clear_visible_line();
  fflush(rl_outstream);
}

void qq_line_show(void) {
  rl_on_new_line();
  rl_redisplay();
  fflush(rl_outstream);
}

void qq_line_set_prompt(const char *prompt, int columns) {
  rl_set_prompt(prompt);
  prompt_columns = columns;
}

// A search has a prompt of its own, in ASCII but for what is searched for.
static int shown_prompt_columns(void) {
  return rl_display_prompt == rl_prompt || !rl_display_prompt ? prompt_columns : (int)strlen(rl_display_prompt);
}

// Where the terminal's cursor is, or would be, after a text of so many bytes: rows down from where it began.
static int rows_down(const char *text, size_t bytes, int column, int columns) {
  int row = 0;
  mbstate_t state;
  memset(&state, 0, sizeof state);
  while (bytes > 0) {
    wchar_t wide;
    size_t length = mbrtowc(&wide, text, bytes, &state);
    int width;
    if (length == 0 || length == (size_t)-1 || length == (size_t)-2) {
      // Shown as ^@ or in octal.
      memset(&state, 0, sizeof state);
      width = length == 0 ? 2 : 4;
      length = 1;
    } else if (wide == L'\n') {
      row++;
      column = 0;
      width = 0;
    } else if (wide == L'\t') {
      // As readline shows it.
      width = 8 - column % 8;
    } else {
      width = wcwidth(wide);
      if (width < 0) width = 2;
    }
    if (column + width > columns) {
      row++;
      column = 0;
    }
    column += width;
    text += length;
    bytes -= length;
  }
  return row + (column >= columns ? 1 : 0);
}

int qq_line_rows(int columns) {
  int prompt = shown_prompt_columns();
  return prompt / columns + rows_down(rl_line_buffer, (size_t)rl_end, prompt % columns, columns) + 1;
}

void qq_line_hide_after_resize(int rows_above, int above_columns, int new_rows, int new_columns) {
  int prompt = shown_prompt_columns();
  int up = prompt / new_columns + rows_down(rl_line_buffer, (size_t)rl_point, prompt % new_columns, new_columns);
  if (rows_above > 0) up += rows_above * ((above_columns + new_columns - 1) / new_columns);
  rl_set_screen_size(new_rows, new_columns);
  if (up > new_rows - 1) up = new_rows - 1;
  if (up > 0) fprintf(rl_outstream, "\033[%dA", up);
  fputs("\r\033[J", rl_outstream);
  fflush(rl_outstream);
}

int qq_line_clear(void) {
  int was_occupied = qq_line_is_occupied();
  int had_text = rl_end > 0;
  // A search takes down its own prompt; anything else is forgotten here.
  if (was_occupied && !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) rl_free_line_state();
  rl_callback_sigcleanup();
  qq_line_hide();
  // The line that was being typed before history was looked at would come back in the place of the next one.
  if (where_history() != history_length) {
    if (rl_undo_list) rl_revert_line(1, 0);
    rl_end_of_history(1, 0);
  }
  rl_replace_line("", 1);
  rl_point = rl_mark = 0;
  using_history();
  qq_line_show();
  return was_occupied || had_text;
}

void qq_line_suspend(void) {
  qq_line_hide();
  give_back();
  fflush(rl_outstream);
}

void qq_line_resume(void) {
  rl_prep_terminal(1);
  qq_line_show();
}

void qq_line_add_history(const char *text) {
  HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
  if (last && strcmp(last->line, text) == 0) return;
  add_history(text);
}

/* SPDX-License-Identifier: MIT
 * session_state: what the four files of the session share; nobody else includes it.
 * session.c: lifecycle, submission, events, the end. session_out.c: which command may go out next.
 * session_in.c: what each reply means. session_doubt.c: what was said behind 421 means. */
#ifndef LS_SESSION_STATE_H
#define LS_SESSION_STATE_H

#include "queue.h"
#include "reply.h"
#include "session.h"

/* What a flight puts out next. */
enum ls_session_step {
  LS_SESSION_STEP_MAIL,    /* RSET where a transaction may still be open, then MAIL */
  LS_SESSION_STEP_RCPT,    /* RCPT for next_recipient */
  LS_SESSION_STEP_END,     /* DATA, or BDAT with the content, or first with an octet of it */
  LS_SESSION_STEP_GO,      /* nothing: the answer to DATA, or to that octet, is awaited */
  LS_SESSION_STEP_CONTENT, /* content and end mark, or the end mark alone when nobody would get the content */
  LS_SESSION_STEP_SENT     /* nothing: all is out */
};

/* What a reply may answer. */
enum ls_session_command {
  LS_SESSION_COMMAND_RSET,
  LS_SESSION_COMMAND_MAIL,
  LS_SESSION_COMMAND_RCPT,
  LS_SESSION_COMMAND_DATA,
  LS_SESSION_COMMAND_CONTENT, /* the end mark */
  LS_SESSION_COMMAND_CHUNK,   /* BDAT with one octet: does the server know it? */
  LS_SESSION_COMMAND_BDAT,
  LS_SESSION_COMMAND_CANCEL, /* RSET in place of the content: a probe */
  LS_SESSION_COMMAND_NOOP,
  LS_SESSION_COMMAND_QUIT,
  LS_SESSION_COMMAND_COUNT
};

/* What has become of a message if the 421 answered nothing, see session_doubt.c. */
struct ls_unasked {
  bool mail_refused, granted, refused; /* granted, refused: its content */
  size_t answered, accepted;           /* replies to RCPT, and of those 2xx */
  size_t rejections;                   /* of its rejections, those from before the 421 */
  bool went_on;                        /* one was granted behind the 421 */
  bool rejects;                        /* and another recipient was refused behind it */
  struct ls_buf response;
};

/* One message on its way, from submission to its event. */
struct ls_flight {
  struct ls_flight *next, *prev;
  uint64_t id;
  const struct ls_envelope *env; /* borrowed until the event */
  struct ls_span content;        /* borrowed until the event */
  size_t size;                   /* of the content, see ls_content_size */

  enum ls_session_step step;
  uint64_t serial;       /* number of its transaction on this connection; 0: MAIL did not go out yet */
  size_t next_recipient; /* RCPT went out for those below */
  size_t awaited;        /* replies due for it */
  size_t answered;       /* replies to RCPT */
  size_t accepted;       /* of those, 2xx */
  size_t begun;          /* octets of the content that went out ahead, as a chunk */
  uint64_t content_end;  /* stream offset behind its last content octet; 0: content is not out */
  bool mail_refused;
  bool has_parameters; /* MAIL went out with SIZE or BODY */
  bool asks_first;     /* by DATA, whatever is offered */
  bool plain;          /* MAIL without SIZE and BODY, the second time */
  bool again;          /* to be sent once more on this connection, in another form */
  bool answered_last;  /* the reply that decides has come */
  bool granted;        /* and its content, which is out, was granted */

  struct ls_error error;
  enum ls_retry retry;
  struct ls_rejection *rejections;
  size_t rejection_count;
  struct ls_buf response;
  struct ls_unasked unasked;
  size_t octets;
  int64_t started_ms;   /* MAIL went out */
  int64_t enveloped_ms; /* the last RCPT was answered */
  int64_t ended_ms;
};

/* One reply that is due, in the order of the commands. */
struct ls_awaited {
  enum ls_session_command command;
  struct ls_flight *flight; /* NULL: NOOP, QUIT */
  size_t recipient;         /* RCPT */
  uint64_t end;             /* stream offset behind the command: an earlier reply cannot be its own */
};

struct ls_flights {
  struct ls_flight *first, *last;
};

struct ls_session {
  struct ls_session_options options;
  struct ls_session_learned learned;
  bool pipelining;

  struct ls_queue queue;
  struct ls_reply reply;
  struct ls_awaited *awaited; /* a ring */
  size_t awaited_cap;         /* 0, or a power of two */
  size_t awaited_from, awaited_count;

  struct ls_flights flights; /* submitted, no event yet, in the order of their transactions */
  struct ls_flight *sender;  /* the one in flights whose commands go out next, or NULL */
  struct ls_flights done;    /* events not yet popped */
  struct ls_flight *given;   /* the last event popped: lends its response and rejections */
  size_t in_flight;          /* messages in flights */
  size_t in_flight_octets;

  uint64_t serial; /* of the transaction last begun */
  bool masked;     /* the reply's text has no secrets any more */
  struct ls_session_record record;
  bool open;     /* the server may hold a transaction that RSET must clear before the next MAIL */
  bool barrier;  /* nothing may go out before every reply has come */
  bool in_doubt; /* BDAT was refused: has the server read its octet, or is that part of the next line? */
  bool unread;   /* BDAT was refused, and nothing was granted since: does the server read its octets? */
  bool noop;     /* a NOOP is wanted */
  bool quit;     /* QUIT is wanted; no more submissions */
  bool quit_out; /* QUIT is out */
  bool closing;  /* 421 has come, and a content behind it is out: is it answered before the end? */
  bool ask_first; /* the next message submitted is to leave by DATA */
  bool put_off;  /* that 421 came where a message begins, or unasked */
  bool went_on;  /* a command of a transaction was granted while closing: this server does not mean it */
  struct {
    bool on;                /* a content is out that this 421, or what is said behind it, may answer */
    int64_t since_ms;       /* when it came */
    struct ls_flight *head; /* what it answers, if anything; never followed */
    size_t from, left;      /* of awaited: what is not answered yet if it answered nothing */
    bool went_on;           /* a MAIL was granted, if it answered nothing */
    bool bdat;              /* some of it went by BDAT */
    bool open;              /* more may come, though all is answered */
    bool asked, unasked;    /* it cannot have answered nothing; it cannot have answered anything */
    bool lost;              /* neither can be: nobody knows what answers what */
  } doubt;
  struct ls_flight *cut; /* the reply that the end cut short was for it, NULL: none was; never followed */
  bool over;
  bool ended;         /* ENDED was popped */
  enum ls_status why; /* what feed answers once it is over */
  struct ls_error ending;
  int64_t now_ms;
  int64_t active_ms; /* octets last went either way */
};

/* How a session ends, as far as the messages in flight are concerned. */
enum ls_ending {
  LS_ENDING_SHUTDOWN, /* the server said it handles no further command, and then closed or had nothing to
                         answer any more: nothing behind counts */
  LS_ENDING_BROKEN,   /* the connection is gone */
  LS_ENDING_FAULT,    /* timeout, or not SMTP: the message at the head is not tried again */
  LS_ENDING_LOCAL     /* no memory */
};

/* What is known of a message in the end. */
enum ls_fate {
  LS_FATE_AS_ANSWERED, /* each reply answered what it was taken for */
  LS_FATE_ACCEPTED,    /* by the reply that is kept in unasked, or in the flight */
  LS_FATE_NOT_SENT,    /* not accepted, whatever the 421 answered */
  LS_FATE_UNKNOWN
};

/* session.c: the reply's text, to be told; every other use of it comes before. */
struct ls_span ls_session_words(struct ls_session *s);

/* session.c: s->ending says why. Every flight becomes an event. */
void ls_session_end(struct ls_session *s, enum ls_ending how);
void ls_session_shut_down(struct ls_session *s); /* 421: ends it now or soon */
enum ls_retry ls_session_retry(const struct ls_session *s, const struct ls_flight *f);
void ls_session_count(struct ls_session *s, const struct ls_flight *f); /* it was answered for good */
void ls_session_no_memory(struct ls_session *s);                        /* ends it */
void ls_session_finish(struct ls_session *s, struct ls_flight *f);      /* f becomes an event */
void ls_session_restart(struct ls_session *s, struct ls_flight *f); /* f goes out anew, before what waits */

bool ls_session_may_be_accepted(const struct ls_session *s, const struct ls_flight *f);

/* session_doubt.c */
void ls_session_doubt(struct ls_session *s); /* 421 has come, and is not taken for an answer yet */
void ls_session_hear_doubtful(struct ls_session *s);
bool ls_session_doubt_over(const struct ls_session *s); /* nothing that comes could decide any more */
enum ls_fate ls_session_fate(const struct ls_session *s, const struct ls_flight *f);

/* session_out.c */
void ls_session_pump(struct ls_session *s); /* puts out all that may go out now */

/* session_in.c */
void ls_session_answer(struct ls_session *s); /* s->reply is whole */
void ls_session_note_reply(struct ls_buf *transcript, struct ls_span text);

#endif

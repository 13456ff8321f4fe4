/* question_methods.h - asking and answering over the WebSocket: question.…
 *
 * Rows of the method table. Main thread. */
#pragma once
#include "media_methods.h"

MethodRun on_question_ask, on_question_mine, on_question_list, on_question_set;

// Written by `make sdk` from docs/openapi.json.

export type ClientOptions = {
    baseUrl: `${string}://${string}` | (string & {});
};

export type ApiKeyCreate = {
    name: string;
    scopes: Array<'chat' | 'documents:read' | 'documents:write' | 'llm'>;
    /**
     * Null: it does not expire.
     */
    expires_at?: string | null;
};

export type ApiKeyCreated = {
    id: string;
    name: string;
    /**
     * How the key begins, to recognise it.
     */
    prefix: string;
    scopes: Array<'chat' | 'documents:read' | 'documents:write' | 'llm'>;
    created_at: string;
    expires_at: string | null;
    /**
     * To the minute.
     */
    last_used_at: string | null;
    /**
     * The whole key. It is shown this once.
     */
    key: string;
};

export type ApiKeyRead = {
    id: string;
    name: string;
    /**
     * How the key begins, to recognise it.
     */
    prefix: string;
    scopes: Array<'chat' | 'documents:read' | 'documents:write' | 'llm'>;
    created_at: string;
    expires_at: string | null;
    /**
     * To the minute.
     */
    last_used_at: string | null;
};

export type AccountDelete = {
    current_password: string;
};

export type Annotation = {
    type?: 'url_citation';
    url_citation: UrlCitation;
};

export type AnswerDelta = {
    type: 'answer.delta';
    text: string;
};

export type AnswerRead = {
    session_id: string;
    message_id: string;
    status: MessageStatus;
    answer: string;
    sources: Array<SourceRead>;
    usage: AnswerUsage | null;
};

/**
 * What an answer cost, and what of the conversation did not fit before the model.
 */
export type AnswerUsage = {
    prompt_tokens: number;
    completion_tokens: number;
    /**
     * Earlier messages that did not fit.
     */
    omitted_messages: number;
    /**
     * Passages that were found but did not fit.
     */
    omitted_passages: number;
    retrieval_ms: number;
    /**
     * From the question to the first token.
     */
    first_token_ms: number;
    total_ms: number;
};

export type AskCommand = {
    type: 'ask';
    /**
     * Your name for this command.
     */
    ref: string;
    query: QueryCreate;
    idempotency_key?: string | null;
};

export type AuthEventRead = {
    id: string;
    /**
     * Null: an account that does not exist.
     */
    user_id: string | null;
    kind: 'registered' | 'logged_in' | 'login_failed' | 'logged_out' | 'login_revoked' | 'logins_revoked' | 'refresh_token_reused' | 'profile_changed' | 'password_changed' | 'password_check_failed' | 'api_key_created' | 'api_key_revoked' | 'user_created' | 'user_changed' | 'user_deleted';
    /**
     * Who did it; null: nobody logged in.
     */
    actor_id: string | null;
    /**
     * Which login, API key or user.
     */
    subject_id: string | null;
    address: string;
    user_agent: string;
    created_at: string;
};

/**
 * The first frame, unless the token came as a subprotocol.
 */
export type AuthenticateCommand = {
    type: 'authenticate';
    token: string;
};

export type ChatCompletion = {
    id: string;
    object?: 'chat.completion';
    created: number;
    model: string;
    choices: Array<Choice>;
    usage: Usage;
    /**
     * Not OpenAI's: the passages that the model saw; null without `@docs`.
     */
    sources: Array<SourceRead> | null;
};

export type ChatCompletionCreate = {
    /**
     * An installed model; with `@docs` behind its name it answers from your documents.
     */
    model: string;
    stream?: boolean | null;
    temperature?: number | null;
    top_p?: number | null;
    /**
     * Not OpenAI's: search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Not OpenAI's: search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    /**
     * Not OpenAI's: passages before the model.
     */
    top_k?: number | null;
    n?: number | null;
    presence_penalty?: number | null;
    frequency_penalty?: number | null;
    seed?: number | null;
    max_tokens?: number | null;
    stop?: Array<string> | null;
    stream_options?: StreamOptions | null;
    messages: Array<MessageIn>;
    max_completion_tokens?: number | null;
    tools?: Array<{
        [key: string]: unknown;
    }> | null;
    tool_choice?: 'none' | 'auto' | 'required' | {
        [key: string]: unknown;
    } | null;
    response_format?: {
        [key: string]: unknown;
    } | null;
    reasoning_effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | null;
};

/**
 * A whole chat, or one branch of it, as it is downloaded.
 */
export type ChatExport = {
    session: ChatSessionRead;
    messages: Array<MessageRead>;
};

/**
 * How the model picks its words. What would make Ollama load the model anew is not offered.
 */
export type ChatOptions = {
    temperature?: number | null;
    top_p?: number | null;
    top_k?: number | null;
    min_p?: number | null;
    repeat_penalty?: number | null;
    presence_penalty?: number | null;
    frequency_penalty?: number | null;
    seed?: number | null;
    /**
     * Texts that end the answer.
     */
    stop?: Array<string> | null;
    /**
     * The most tokens of the answer, within the server's.
     */
    num_predict?: number | null;
};

export type ChatSessionCreate = {
    /**
     * Null takes the server's default.
     */
    model?: string | null;
    /**
     * Added to what every model is told.
     */
    system_prompt?: string | null;
    options?: ChatOptions | null;
    /**
     * Search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    title?: string;
};

export type ChatSessionRead = {
    id: string;
    title: string;
    model: string | null;
    system_prompt: string | null;
    options: ChatOptions | null;
    document_ids: Array<string> | null;
    tags: Array<string> | null;
    archived_at: string | null;
    created_at: string;
    updated_at: string;
};

/**
 * Only what is sent is changed; null takes a setting back.
 */
export type ChatSessionUpdate = {
    /**
     * Null takes the server's default.
     */
    model?: string | null;
    /**
     * Added to what every model is told.
     */
    system_prompt?: string | null;
    options?: ChatOptions | null;
    /**
     * Search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    title?: string;
    is_archived?: boolean;
};

export type Choice = {
    index?: 0;
    message: MessageOut;
    logprobs?: null;
    finish_reason: 'stop' | 'length' | 'tool_calls';
};

export type ChunkPage = {
    items: Array<ChunkRead>;
    /**
     * Send it back as `from_ordinal`; null on the last page.
     */
    next_ordinal: number | null;
};

export type ChunkRead = {
    id: string;
    ordinal: number;
    text: string;
    heading: string | null;
    page_first: number | null;
    page_last: number | null;
    /**
     * In characters of the extracted text.
     */
    start: number;
    end: number;
    /**
     * Why the model embedded it in part or not; null otherwise.
     */
    issue_code: string | null;
    issue_detail: string | null;
};

export type CompletionCreate = {
    /**
     * An installed model; with `@docs` behind its name it answers from your documents.
     */
    model: string;
    stream?: boolean | null;
    temperature?: number | null;
    top_p?: number | null;
    /**
     * Not OpenAI's: search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Not OpenAI's: search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    /**
     * Not OpenAI's: passages before the model.
     */
    top_k?: number | null;
    n?: number | null;
    presence_penalty?: number | null;
    frequency_penalty?: number | null;
    seed?: number | null;
    max_tokens?: number | null;
    stop?: Array<string> | null;
    stream_options?: StreamOptions | null;
    prompt: string | Array<string> | Array<number> | Array<Array<number>>;
    suffix?: string | null;
};

/**
 * The end of a stream: there is no such document any more.
 */
export type DocumentDeleted = {
    type: 'document.deleted';
    document_id: string;
};

export type DocumentEvent = ({
    type: 'document.progress';
} & DocumentProgress) | ({
    type: 'document.ready';
} & DocumentReady) | ({
    type: 'document.failed';
} & DocumentFailed) | ({
    type: 'document.deleted';
} & DocumentDeleted);

/**
 * The end of a stream: `status_detail` says why.
 */
export type DocumentFailed = {
    type: 'document.failed';
    document: DocumentRead;
};

/**
 * The document waits or is being processed.
 */
export type DocumentProgress = {
    type: 'document.progress';
    document: DocumentRead;
};

export type DocumentRead = {
    id: string;
    title: string;
    description: string | null;
    tags: Array<string>;
    /**
     * The sender's name for the file.
     */
    filename: string;
    /**
     * Decided from the content.
     */
    media_type: string;
    size_bytes: number;
    sha256: string;
    /**
     * `ready` can be searched; `failed` says why in `status_detail`.
     */
    status: DocumentStatus;
    /**
     * A stable code for `status_detail`.
     */
    status_code: string | null;
    /**
     * Why it failed, or what it is waiting for.
     */
    status_detail: string | null;
    /**
     * What is being done; null when nothing is.
     */
    step: 'extracting' | 'embedding' | null;
    /**
     * Of most of the text, as in ISO 639-3.
     */
    language: string | null;
    page_count: number | null;
    /**
     * Null until the text is extracted.
     */
    chunks_total: number | null;
    /**
     * Passages indexed so far; it starts anew when the model has changed.
     */
    chunks_done: number;
    /**
     * Passages the model cannot embed: found by their words alone.
     */
    chunks_skipped: number;
    created_at: string;
    updated_at: string;
};

/**
 * The end of a stream: the document can be searched.
 */
export type DocumentReady = {
    type: 'document.ready';
    document: DocumentRead;
};

export type DocumentStatus = 'pending' | 'processing' | 'ready' | 'failed';

/**
 * What is left out stays as it is; a `description` of null removes it.
 */
export type DocumentUpdate = {
    title?: string;
    description?: string | null;
    tags?: Array<string>;
};

export type EmbeddingCreate = {
    model: string;
    input: string | Array<string> | Array<number> | Array<Array<number>>;
    encoding_format?: 'float' | 'base64' | null;
    dimensions?: number | null;
    /**
     * Not OpenAI's: models that tell them apart get the prefix they want.
     */
    input_type?: 'query' | 'document';
};

export type EmbeddingList = {
    object?: 'list';
    data: Array<EmbeddingOut>;
    model: string;
    usage: EmbeddingUsage;
};

export type EmbeddingOut = {
    object?: 'embedding';
    index: number;
    /**
     * In base64: little-endian floats of 32 bits.
     */
    embedding: Array<number> | string;
};

export type EmbeddingUsage = {
    prompt_tokens: number;
    total_tokens: number;
};

export type EmbeddingsCreate = {
    texts: Array<string>;
    /**
     * Models that tell questions from passages get the prefix they want.
     */
    input_type?: 'query' | 'document';
};

export type EmbeddingsRead = {
    model: string;
    /**
     * One per text, in their order.
     */
    vectors: Array<Array<number>>;
    prompt_tokens: number;
};

export type ErrorBody = {
    message: string;
    type: string;
    param: string | null;
    code: string;
};

/**
 * What `Problem.code` can be; a newer server may have more.
 */
export type ErrorCode = 'account_deleted' | 'admin_required' | 'api_key_not_found' | 'chat_session_not_found' | 'context_length_exceeded' | 'database_unavailable' | 'document_not_found' | 'email_taken' | 'file_empty' | 'file_not_found' | 'file_too_large' | 'forbidden' | 'headers_too_large' | 'idempotency_key_reused' | 'internal_error' | 'invalid_api_key' | 'invalid_credentials' | 'invalid_cursor' | 'invalid_refresh_token' | 'invalid_token' | 'invalid_upload_field' | 'invalid_value' | 'json_too_deep' | 'last_admin' | 'llm_busy' | 'llm_failed' | 'llm_invalid_response' | 'llm_timeout' | 'llm_unavailable' | 'login_not_found' | 'login_required' | 'malformed_body' | 'malformed_json' | 'malformed_request' | 'malformed_upload' | 'message_not_found' | 'method_not_allowed' | 'missing_scope' | 'model_capability_missing' | 'model_in_use' | 'model_missing' | 'model_not_found' | 'no_files' | 'not_an_answer' | 'not_authenticated' | 'not_found' | 'prompt_too_long' | 'quota_exceeded' | 'range_not_satisfiable' | 'refresh_token_reused' | 'registration_closed' | 'request_too_large' | 'request_too_slow' | 'storage_unavailable' | 'too_many_api_keys' | 'too_many_at_once' | 'too_many_attempts' | 'too_many_files' | 'too_many_logins' | 'too_many_requests' | 'unknown_host' | 'unstorable_value' | 'unsupported_media_type' | 'unsupported_parameter' | 'url_too_long' | 'user_not_found' | 'username_taken' | 'validation_failed' | 'vectors_unavailable' | 'wrong_password';

/**
 * What went wrong, in OpenAI's shape.
 */
export type ErrorOut = {
    error: ErrorBody;
};

/**
 * An event of the answer that the command `ref` asked for, or wanted to follow.
 */
export type EventFrame = {
    type: 'event';
    ref: string;
    cursor: number;
    event: StreamEvent;
};

export type FeedbackRead = {
    rating: 'up' | 'down';
    comment: string | null;
    updated_at: string;
};

export type FeedbackUpdate = {
    rating: 'up' | 'down';
    comment?: string | null;
};

/**
 * One field of a request that is not valid.
 */
export type FieldProblem = {
    /**
     * Where: `body.query`, `query.limit`.
     */
    location: string;
    message: string;
};

export type FormatRead = {
    media_type: string;
    /**
     * Usual names; the content decides, not the name.
     */
    extensions: Array<string>;
};

export type FormatsRead = {
    formats: Array<FormatRead>;
    max_file_bytes: number;
    /**
     * Of one upload.
     */
    max_files: number;
};

export type FoundMessageRead = {
    session_id: string;
    session_title: string;
    message_id: string;
    role: 'user' | 'assistant';
    /**
     * Plain text: the part around the first find.
     */
    snippet: string;
    highlights: Array<HighlightRead>;
    created_at: string;
};

export type FunctionIn = {
    name: string;
    arguments?: string;
};

export type FunctionOut = {
    name: string;
    /**
     * JSON.
     */
    arguments: string;
};

/**
 * A range of the snippet, in characters.
 */
export type HighlightRead = {
    start: number;
    end: number;
};

export type ImageUrl = {
    url: string;
};

export type InputItem = {
    type?: string;
    role?: 'system' | 'developer' | 'user' | 'assistant' | null;
    content?: string | Array<Part> | null;
    call_id?: string | null;
    name?: string;
    arguments?: string;
    output?: string | Array<Part>;
};

export type LlmStatusRead = {
    is_ready: boolean;
    chat: ModelStatusRead;
    embedding: ModelStatusRead;
};

export type LiveRead = {
    status: 'live';
};

/**
 * The password grant of OAuth 2 (RFC 6749, section 4.3); its other fields are ignored.
 */
export type LoginForm = {
    /**
     * User name or email address.
     */
    username: string;
    password: string;
};

export type LoginRead = {
    id: string;
    /**
     * What the device called itself.
     */
    user_agent: string;
    /**
     * Where it was last seen.
     */
    address: string;
    created_at: string;
    /**
     * When its tokens were last refreshed.
     */
    last_used_at: string;
    /**
     * When it ends unless it is used.
     */
    expires_at: string;
    /**
     * Whether it is the one that asks.
     */
    is_current: boolean;
};

export type ManagedUserCreate = {
    /**
     * 3 to 32 letters, digits, dots, dashes and underscores; unique in any case.
     */
    username: string;
    /**
     * Unique in any case and look-alike form.
     */
    email: string;
    /**
     * 8 to 128 characters with a digit.
     */
    password: string;
    role?: 'user' | 'admin';
};

/**
 * What is left out or null stays as it is.
 */
export type ManagedUserUpdate = {
    role?: 'user' | 'admin' | null;
    /**
     * False ends every login and suspends every API key.
     */
    is_active?: boolean | null;
    /**
     * For somebody who forgot theirs; ends every login.
     */
    new_password?: string | null;
};

/**
 * The end of a stream: the message as it is stored.
 */
export type MessageCompleted = {
    type: 'message.completed';
    message: MessageRead;
};

export type MessageErrorRead = {
    code: string;
    detail: string;
};

export type MessageIn = {
    role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
    content?: string | Array<Part> | null;
    tool_calls?: Array<ToolCallIn> | null;
    tool_call_id?: string | null;
};

export type MessageOut = {
    role?: 'assistant';
    content: string | null;
    refusal?: null;
    reasoning_content?: string | null;
    annotations: Array<Annotation>;
    tool_calls?: Array<ToolCallOut> | null;
};

export type MessagePage = {
    items: Array<MessageRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type MessageRead = {
    id: string;
    session_id: string;
    parent_id: string | null;
    role: 'user' | 'assistant';
    status: MessageStatus;
    content: string;
    thinking: string;
    model: string | null;
    sources: Array<SourceRead>;
    usage: AnswerUsage | null;
    /**
     * Why a `failed` message failed.
     */
    error: MessageErrorRead | null;
    feedback: FeedbackRead | null;
    created_at: string;
    completed_at: string | null;
};

/**
 * The question is stored and an answer is on its way.
 */
export type MessageStarted = {
    type: 'message.started';
    session_id: string;
    user_message_id: string;
    message_id: string;
    model: string;
};

export type MessageStatus = 'streaming' | 'completed' | 'stopped' | 'interrupted' | 'failed';

export type ModelList = {
    object?: 'list';
    data: Array<ModelOut>;
};

export type ModelOut = {
    id: string;
    object?: 'model';
    created: number;
    owned_by: string;
    context_length: number | null;
};

/**
 * An installed model. What an older Ollama does not tell is null or empty.
 */
export type ModelRead = {
    name: string;
    /**
     * Further names that stand for it.
     */
    aliases: Array<string>;
    digest: string;
    size_bytes: number;
    modified_at: string | null;
    family: string;
    parameter_size: string;
    quantization: string;
    /**
     * For example `completion`, `thinking`, `embedding`.
     */
    capabilities: Array<string> | null;
    /**
     * In tokens, as trained.
     */
    context_length: number | null;
    /**
     * Answers when a question names no model.
     */
    is_default: boolean;
    /**
     * In memory: it answers without being loaded.
     */
    is_loaded: boolean;
};

/**
 * The state of one configured model and of the servers it should be on.
 */
export type ModelStatusRead = {
    model: string;
    is_ready: boolean;
    /**
     * Ollama's; null when it does not answer.
     */
    version: string | null;
    /**
     * How many are configured.
     */
    servers: number;
    /**
     * How many of them answer and have the model.
     */
    servers_ready: number;
    /**
     * What to do when it is not ready.
     */
    detail: string | null;
};

export type ApiKeyPage = {
    items: Array<ApiKeyRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type AuthEventPage = {
    items: Array<AuthEventRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type ChatSessionPage = {
    items: Array<ChatSessionRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type DocumentPage = {
    items: Array<DocumentRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type FoundMessagePage = {
    items: Array<FoundMessageRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type LoginPage = {
    items: Array<LoginRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type ModelPage = {
    items: Array<ModelRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type UserPage = {
    items: Array<UserRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
};

export type Part = {
    type: string;
    text?: string;
    image_url?: ImageUrl | string | null;
};

export type PartRead = {
    is_ready: boolean;
    /**
     * Runs on this machine because no URL is set.
     */
    is_embedded: boolean;
    /**
     * What to do when it is not ready.
     */
    detail: string | null;
    /**
     * How long its answer took.
     */
    latency_ms: number;
};

/**
 * A passage that was found, and where it stands in its document.
 */
export type PassageRead = {
    document_id: string;
    chunk_id: string;
    title: string;
    filename: string;
    heading: string | null;
    page_first: number | null;
    page_last: number | null;
    /**
     * In characters of the extracted text.
     */
    start: number;
    end: number;
    text: string;
    /**
     * Higher is better; comparable within one search.
     */
    score: number;
};

export type PasswordUpdate = {
    current_password: string;
    /**
     * 8 to 128 characters with a digit.
     */
    new_password: string;
};

export type PingCommand = {
    type: 'ping';
};

export type PongFrame = {
    type: 'pong';
};

/**
 * What went wrong, as `application/problem+json` (RFC 9457).
 */
export type Problem = {
    /**
     * A URI that names the kind of problem.
     */
    type: string;
    title: string;
    status: number;
    /**
     * One sentence for a person.
     */
    detail: string;
    /**
     * Stable; switch on this one.
     */
    code: string;
    /**
     * Quote it when you report the problem.
     */
    request_id: string | null;
    /**
     * Which fields, where it is about fields.
     */
    errors: Array<FieldProblem> | null;
};

export type PullCompleted = {
    type: 'pull.completed';
    model: string;
};

export type PullCreate = {
    model: string;
};

export type PullEvent = ({
    type: 'pull.progress';
} & PullProgress) | ({
    type: 'pull.completed';
} & PullCompleted) | ({
    type: 'error';
} & PullFailed);

export type PullFailed = {
    type: 'error';
    problem: Problem;
};

/**
 * How far a pull is. Sizes grow while further layers are found.
 */
export type PullProgress = {
    type: 'pull.progress';
    status: string;
    completed_bytes: number;
    total_bytes: number;
};

export type QueryCreate = {
    /**
     * The question.
     */
    query: string;
    /**
     * The chat to go on with; without it a new one starts.
     */
    session_id?: string | null;
    /**
     * The answer to go on from; left out, it is the newest of the chat. To edit a question, send the parent of the old one, which is null for the first question.
     */
    parent_message_id?: string | null;
    /**
     * An installed model; else the one of the chat, else the default.
     */
    model?: string | null;
    /**
     * Whether to search your documents for the answer.
     */
    use_documents?: boolean;
    /**
     * Search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    /**
     * Passages put before the model.
     */
    top_k?: number | null;
    /**
     * For models that can think aloud.
     */
    think?: boolean | 'low' | 'medium' | 'high';
    options?: ChatOptions | null;
    /**
     * Answer in JSON; an object is the JSON schema to follow.
     */
    format?: 'json' | {
        [key: string]: unknown;
    } | null;
    /**
     * Base64, for models that can see.
     */
    images?: Array<string> | null;
};

/**
 * The answer waits for its turn; `position` 1 is next. Its event has no id.
 */
export type Queued = {
    type: 'queued';
    position: number;
};

export type ReadyFrame = {
    type: 'ready';
};

export type ReadyRead = {
    status: 'ready' | 'not_ready' | 'stopping';
    database: PartRead;
    vectors: PartRead;
    models: PartRead;
};

export type ReasoningConfig = {
    effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | null;
};

export type RefreshCreate = {
    refresh_token: string;
};

/**
 * The command `ref` was not carried out; the connection goes on.
 */
export type RefusedFrame = {
    type: 'refused';
    ref: string;
    problem: Problem;
};

/**
 * What to do differently this time; what is left out stays as it was asked.
 */
export type RegenerateCreate = {
    model?: string | null;
    think?: boolean | 'low' | 'medium' | 'high' | null;
    options?: ChatOptions | null;
};

export type ResponseCreate = {
    /**
     * An installed model; with `@docs` behind its name it answers from your documents.
     */
    model: string;
    stream?: boolean | null;
    temperature?: number | null;
    top_p?: number | null;
    /**
     * Not OpenAI's: search only these documents.
     */
    document_ids?: Array<string> | null;
    /**
     * Not OpenAI's: search only documents with any of these tags.
     */
    tags?: Array<string> | null;
    /**
     * Not OpenAI's: passages before the model.
     */
    top_k?: number | null;
    input: string | Array<InputItem>;
    instructions?: string | null;
    max_output_tokens?: number | null;
    text?: TextConfig | null;
    reasoning?: ReasoningConfig | null;
    tools?: Array<{
        [key: string]: unknown;
    }> | null;
    tool_choice?: string | {
        [key: string]: unknown;
    } | null;
    previous_response_id?: string | null;
    conversation?: string | {
        [key: string]: unknown;
    } | null;
};

/**
 * As OpenAI's client reads it; `sources` are not OpenAI's.
 */
export type ResponseOut = {
    id: string;
    object?: 'response';
    created_at: number;
    status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
    model: string;
    output: Array<{
        [key: string]: unknown;
    }>;
    usage?: {
        [key: string]: unknown;
    } | null;
    error?: {
        [key: string]: unknown;
    } | null;
    incomplete_details?: {
        [key: string]: string;
    } | null;
    instructions?: null;
    metadata?: {
        [key: string]: string;
    };
    parallel_tool_calls?: boolean;
    tool_choice?: string;
    tools?: Array<{
        [key: string]: unknown;
    }>;
    temperature?: number | null;
    top_p?: number | null;
    sources?: Array<SourceRead> | null;
};

export type ResumeCommand = {
    type: 'resume';
    /**
     * Your name for this command.
     */
    ref: string;
    message_id: string;
    cursor?: number | null;
};

export type SearchCreate = {
    query: string;
    limit?: number;
    document_ids?: Array<string> | null;
    /**
     * Documents that have any of these tags.
     */
    tags?: Array<string> | null;
    /**
     * `hybrid` fuses meaning (dense) and words (sparse).
     */
    mode?: 'hybrid' | 'dense' | 'sparse';
};

export type SearchRead = {
    passages: Array<PassageRead>;
};

export type ServingRead = {
    status: 'serving' | 'not_serving' | 'stopping';
    database: PartRead;
};

export type SocketCommand = ({
    type: 'authenticate';
} & AuthenticateCommand) | ({
    type: 'ask';
} & AskCommand) | ({
    type: 'resume';
} & ResumeCommand) | ({
    type: 'stop';
} & StopCommand) | ({
    type: 'ping';
} & PingCommand);

export type SocketFrame = ({
    type: 'ready';
} & ReadyFrame) | ({
    type: 'pong';
} & PongFrame) | ({
    type: 'event';
} & EventFrame) | ({
    type: 'stopped';
} & StoppedFrame) | ({
    type: 'refused';
} & RefusedFrame);

/**
 * A passage that an answer is based on; `[n]` in the answer means the source numbered n.
 */
export type SourceRead = {
    number: number;
    document_id: string;
    chunk_id: string;
    title: string;
    filename: string;
    page_first: number | null;
    page_last: number | null;
    /**
     * In characters of the document's extracted text.
     */
    start: number;
    end: number;
    text: string;
    score: number;
    /**
     * Final once the message is no longer streaming.
     */
    is_cited: boolean;
    /**
     * The document was deleted since; this is a copy.
     */
    is_gone: boolean;
};

/**
 * The passages that the model gets to see, before its first word.
 *
 * They come once more, and are fewer, when the model finds the first prompt too long.
 */
export type Sources = {
    type: 'sources';
    sources: Array<SourceRead>;
};

export type StartedRead = {
    status: 'started' | 'starting';
};

export type StopCommand = {
    type: 'stop';
    /**
     * Your name for this command.
     */
    ref: string;
    message_id: string;
};

export type StoppedFrame = {
    type: 'stopped';
    ref: string;
};

export type StorageUsageRead = {
    documents: number;
    size_bytes: number;
    /**
     * Null is without limit.
     */
    max_documents: number | null;
    /**
     * Null is without limit.
     */
    max_bytes: number | null;
};

/**
 * The other end of a stream: no more will come. What was generated is stored.
 */
export type StreamError = {
    type: 'error';
    problem: Problem;
};

export type StreamEvent = ({
    type: 'message.started';
} & MessageStarted) | ({
    type: 'queued';
} & Queued) | ({
    type: 'sources';
} & Sources) | ({
    type: 'thinking.delta';
} & ThinkingDelta) | ({
    type: 'answer.delta';
} & AnswerDelta) | ({
    type: 'message.completed';
} & MessageCompleted) | ({
    type: 'error';
} & StreamError);

export type StreamOptions = {
    include_usage?: boolean;
};

export type TextChoice = {
    index?: 0;
    text: string;
    logprobs?: null;
    finish_reason: 'stop' | 'length' | 'tool_calls';
};

export type TextCompletion = {
    id: string;
    object?: 'text_completion';
    created: number;
    model: string;
    choices: Array<TextChoice>;
    usage: Usage;
    sources: Array<SourceRead> | null;
};

export type TextConfig = {
    format?: {
        [key: string]: unknown;
    } | null;
};

export type ThinkingDelta = {
    type: 'thinking.delta';
    text: string;
};

export type TokenRead = {
    access_token: string;
    /**
     * Good for one use at `/auth/refresh`.
     */
    refresh_token: string;
    token_type: 'bearer';
    /**
     * Seconds the access token lasts.
     */
    expires_in: number;
};

export type ToolCallIn = {
    id?: string | null;
    function: FunctionIn;
};

export type ToolCallOut = {
    id: string;
    type?: 'function';
    function: FunctionOut;
};

/**
 * `start_index` and `end_index` enclose the marker, in Unicode code points of the content.
 */
export type UrlCitation = {
    url: string;
    title: string;
    start_index: number;
    end_index: number;
};

export type UploadRead = {
    /**
     * In the order of the files.
     */
    results: Array<UploadResult>;
};

/**
 * One file of an upload: it has either a document or an error.
 */
export type UploadResult = {
    filename: string;
    document: DocumentRead | null;
    /**
     * The same bytes were uploaded before; nothing new was made.
     */
    is_existing: boolean;
    error: Problem | null;
};

export type Usage = {
    prompt_tokens: number;
    completion_tokens: number;
    total_tokens: number;
};

export type UsagePage = {
    items: Array<UsageRead>;
    /**
     * Null on the last page.
     */
    next_cursor: string | null;
    /**
     * Your own, of prompts and answers.
     */
    tokens_today: number;
    /**
     * Null when there is no limit.
     */
    daily_token_quota: number | null;
};

/**
 * What one user asked of one model on one day (UTC).
 */
export type UsageRead = {
    user_id: string;
    day: string;
    model: string;
    requests: number;
    prompt_tokens: number;
    completion_tokens: number;
};

export type UserCreate = {
    /**
     * 3 to 32 letters, digits, dots, dashes and underscores; unique in any case.
     */
    username: string;
    /**
     * Unique in any case and look-alike form.
     */
    email: string;
    /**
     * 8 to 128 characters with a digit.
     */
    password: string;
};

export type UserRead = {
    id: string;
    username: string;
    email: string;
    role: 'user' | 'admin';
    is_active: boolean;
    created_at: string;
};

/**
 * What is left out or null stays as it is.
 */
export type UserUpdate = {
    username?: string | null;
    email?: string | null;
};

export type HealthCheckLiveData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/health/live';
};

export type HealthCheckLiveErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
};

export type HealthCheckLiveError = HealthCheckLiveErrors[keyof HealthCheckLiveErrors];

export type HealthCheckLiveResponses = {
    /**
     * Successful Response
     */
    200: LiveRead;
};

export type HealthCheckLiveResponse = HealthCheckLiveResponses[keyof HealthCheckLiveResponses];

export type HealthCheckServingData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/health/serving';
};

export type HealthCheckServingErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * Send no traffic.
     */
    503: ServingRead;
};

export type HealthCheckServingError = HealthCheckServingErrors[keyof HealthCheckServingErrors];

export type HealthCheckServingResponses = {
    /**
     * Successful Response
     */
    200: ServingRead;
};

export type HealthCheckServingResponse = HealthCheckServingResponses[keyof HealthCheckServingResponses];

export type HealthCheckReadyData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/health/ready';
};

export type HealthCheckReadyErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * A part is missing.
     */
    503: ReadyRead;
};

export type HealthCheckReadyError = HealthCheckReadyErrors[keyof HealthCheckReadyErrors];

export type HealthCheckReadyResponses = {
    /**
     * Successful Response
     */
    200: ReadyRead;
};

export type HealthCheckReadyResponse = HealthCheckReadyResponses[keyof HealthCheckReadyResponses];

export type HealthCheckStartupData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/health/startup';
};

export type HealthCheckStartupErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * Not yet.
     */
    503: StartedRead;
};

export type HealthCheckStartupError = HealthCheckStartupErrors[keyof HealthCheckStartupErrors];

export type HealthCheckStartupResponses = {
    /**
     * Successful Response
     */
    200: StartedRead;
};

export type HealthCheckStartupResponse = HealthCheckStartupResponses[keyof HealthCheckStartupResponses];

export type AuthRegisterData = {
    body: UserCreate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/register';
};

export type AuthRegisterErrors = {
    /**
     * `registration_closed`: Registration is closed. Ask an administrator for an account.
     */
    403: Problem;
    /**
     * `username_taken`: This user name is taken.
     *
     * `email_taken`: There is an account with this email address already.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthRegisterError = AuthRegisterErrors[keyof AuthRegisterErrors];

export type AuthRegisterResponses = {
    /**
     * Successful Response
     */
    201: UserRead;
};

export type AuthRegisterResponse = AuthRegisterResponses[keyof AuthRegisterResponses];

export type AuthLogInData = {
    body: LoginForm;
    path?: never;
    query?: never;
    url: '/api/v1/auth/token';
};

export type AuthLogInErrors = {
    /**
     * `invalid_credentials`: The user name or the password is wrong.
     */
    401: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthLogInError = AuthLogInErrors[keyof AuthLogInErrors];

export type AuthLogInResponses = {
    /**
     * Successful Response
     */
    200: TokenRead;
};

export type AuthLogInResponse = AuthLogInResponses[keyof AuthLogInResponses];

export type AuthRefreshData = {
    body: RefreshCreate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/refresh';
};

export type AuthRefreshErrors = {
    /**
     * `invalid_refresh_token`: The refresh token is not valid, or its login has ended. Log in again.
     *
     * `refresh_token_reused`: This refresh token was used before. Somebody may have copied it, so its login has ended. Log in again.
     */
    401: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthRefreshError = AuthRefreshErrors[keyof AuthRefreshErrors];

export type AuthRefreshResponses = {
    /**
     * Successful Response
     */
    200: TokenRead;
};

export type AuthRefreshResponse = AuthRefreshResponses[keyof AuthRefreshResponses];

export type AuthLogOutData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/auth/logout';
};

export type AuthLogOutErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthLogOutError = AuthLogOutErrors[keyof AuthLogOutErrors];

export type AuthLogOutResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthLogOutResponse = AuthLogOutResponses[keyof AuthLogOutResponses];

export type AuthLogOutEverywhereData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/auth/logout-all';
};

export type AuthLogOutEverywhereErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthLogOutEverywhereError = AuthLogOutEverywhereErrors[keyof AuthLogOutEverywhereErrors];

export type AuthLogOutEverywhereResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthLogOutEverywhereResponse = AuthLogOutEverywhereResponses[keyof AuthLogOutEverywhereResponses];

export type AuthDeleteMeData = {
    body: AccountDelete;
    path?: never;
    query?: never;
    url: '/api/v1/auth/me';
};

export type AuthDeleteMeErrors = {
    /**
     * `wrong_password`: The current password is wrong.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `last_admin`: This is the last active administrator. Appoint another one first.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthDeleteMeError = AuthDeleteMeErrors[keyof AuthDeleteMeErrors];

export type AuthDeleteMeResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthDeleteMeResponse = AuthDeleteMeResponses[keyof AuthDeleteMeResponses];

export type AuthGetMeData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/auth/me';
};

export type AuthGetMeErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthGetMeError = AuthGetMeErrors[keyof AuthGetMeErrors];

export type AuthGetMeResponses = {
    /**
     * Successful Response
     */
    200: UserRead;
};

export type AuthGetMeResponse = AuthGetMeResponses[keyof AuthGetMeResponses];

export type AuthUpdateMeData = {
    body: UserUpdate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/me';
};

export type AuthUpdateMeErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `username_taken`: This user name is taken.
     *
     * `email_taken`: There is an account with this email address already.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthUpdateMeError = AuthUpdateMeErrors[keyof AuthUpdateMeErrors];

export type AuthUpdateMeResponses = {
    /**
     * Successful Response
     */
    200: UserRead;
};

export type AuthUpdateMeResponse = AuthUpdateMeResponses[keyof AuthUpdateMeResponses];

export type AuthChangePasswordData = {
    body: PasswordUpdate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/me/password';
};

export type AuthChangePasswordErrors = {
    /**
     * `wrong_password`: The current password is wrong.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_attempts`: Too many attempts from your address. Wait a little.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthChangePasswordError = AuthChangePasswordErrors[keyof AuthChangePasswordErrors];

export type AuthChangePasswordResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthChangePasswordResponse = AuthChangePasswordResponses[keyof AuthChangePasswordResponses];

export type AuthListLoginsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/logins';
};

export type AuthListLoginsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListLoginsError = AuthListLoginsErrors[keyof AuthListLoginsErrors];

export type AuthListLoginsResponses = {
    /**
     * Successful Response
     */
    200: LoginPage;
};

export type AuthListLoginsResponse = AuthListLoginsResponses[keyof AuthListLoginsResponses];

export type AuthRevokeLoginData = {
    body?: never;
    path: {
        login_id: string;
    };
    query?: never;
    url: '/api/v1/auth/logins/{login_id}';
};

export type AuthRevokeLoginErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `login_not_found`: There is no such login among yours.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthRevokeLoginError = AuthRevokeLoginErrors[keyof AuthRevokeLoginErrors];

export type AuthRevokeLoginResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthRevokeLoginResponse = AuthRevokeLoginResponses[keyof AuthRevokeLoginResponses];

export type AuthListApiKeysData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/api-keys';
};

export type AuthListApiKeysErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListApiKeysError = AuthListApiKeysErrors[keyof AuthListApiKeysErrors];

export type AuthListApiKeysResponses = {
    /**
     * Successful Response
     */
    200: ApiKeyPage;
};

export type AuthListApiKeysResponse = AuthListApiKeysResponses[keyof AuthListApiKeysResponses];

export type AuthCreateApiKeyData = {
    body: ApiKeyCreate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/api-keys';
};

export type AuthCreateApiKeyErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `too_many_api_keys`: You have as many API keys as one account may have. Revoke one first.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthCreateApiKeyError = AuthCreateApiKeyErrors[keyof AuthCreateApiKeyErrors];

export type AuthCreateApiKeyResponses = {
    /**
     * Successful Response
     */
    201: ApiKeyCreated;
};

export type AuthCreateApiKeyResponse = AuthCreateApiKeyResponses[keyof AuthCreateApiKeyResponses];

export type AuthRevokeApiKeyData = {
    body?: never;
    path: {
        key_id: string;
    };
    query?: never;
    url: '/api/v1/auth/api-keys/{key_id}';
};

export type AuthRevokeApiKeyErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `api_key_not_found`: There is no such API key among yours.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthRevokeApiKeyError = AuthRevokeApiKeyErrors[keyof AuthRevokeApiKeyErrors];

export type AuthRevokeApiKeyResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthRevokeApiKeyResponse = AuthRevokeApiKeyResponses[keyof AuthRevokeApiKeyResponses];

export type AuthListEventsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/events';
};

export type AuthListEventsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListEventsError = AuthListEventsErrors[keyof AuthListEventsErrors];

export type AuthListEventsResponses = {
    /**
     * Successful Response
     */
    200: AuthEventPage;
};

export type AuthListEventsResponse = AuthListEventsResponses[keyof AuthListEventsResponses];

export type AuthListUsersData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * A part of the user name or the email address.
         */
        q?: string | null;
        /**
         * Accounts with this role.
         */
        role?: 'user' | 'admin' | null;
        /**
         * Accounts that may log in, or those that may not.
         */
        is_active?: boolean | null;
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/users';
};

export type AuthListUsersErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListUsersError = AuthListUsersErrors[keyof AuthListUsersErrors];

export type AuthListUsersResponses = {
    /**
     * Successful Response
     */
    200: UserPage;
};

export type AuthListUsersResponse = AuthListUsersResponses[keyof AuthListUsersResponses];

export type AuthCreateUserData = {
    body: ManagedUserCreate;
    path?: never;
    query?: never;
    url: '/api/v1/auth/users';
};

export type AuthCreateUserErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `username_taken`: This user name is taken.
     *
     * `email_taken`: There is an account with this email address already.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthCreateUserError = AuthCreateUserErrors[keyof AuthCreateUserErrors];

export type AuthCreateUserResponses = {
    /**
     * Successful Response
     */
    201: UserRead;
};

export type AuthCreateUserResponse = AuthCreateUserResponses[keyof AuthCreateUserResponses];

export type AuthDeleteUserData = {
    body?: never;
    path: {
        user_id: string;
    };
    query?: never;
    url: '/api/v1/auth/users/{user_id}';
};

export type AuthDeleteUserErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `user_not_found`: There is no such user.
     */
    404: Problem;
    /**
     * `last_admin`: This is the last active administrator. Appoint another one first.
     */
    409: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthDeleteUserError = AuthDeleteUserErrors[keyof AuthDeleteUserErrors];

export type AuthDeleteUserResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type AuthDeleteUserResponse = AuthDeleteUserResponses[keyof AuthDeleteUserResponses];

export type AuthGetUserData = {
    body?: never;
    path: {
        user_id: string;
    };
    query?: never;
    url: '/api/v1/auth/users/{user_id}';
};

export type AuthGetUserErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `user_not_found`: There is no such user.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthGetUserError = AuthGetUserErrors[keyof AuthGetUserErrors];

export type AuthGetUserResponses = {
    /**
     * Successful Response
     */
    200: UserRead;
};

export type AuthGetUserResponse = AuthGetUserResponses[keyof AuthGetUserResponses];

export type AuthUpdateUserData = {
    body: ManagedUserUpdate;
    path: {
        user_id: string;
    };
    query?: never;
    url: '/api/v1/auth/users/{user_id}';
};

export type AuthUpdateUserErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `user_not_found`: There is no such user.
     */
    404: Problem;
    /**
     * `last_admin`: This is the last active administrator. Appoint another one first.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `too_many_logins`: Too many people are logging in at the moment. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthUpdateUserError = AuthUpdateUserErrors[keyof AuthUpdateUserErrors];

export type AuthUpdateUserResponses = {
    /**
     * Successful Response
     */
    200: UserRead;
};

export type AuthUpdateUserResponse = AuthUpdateUserResponses[keyof AuthUpdateUserResponses];

export type AuthListUserEventsData = {
    body?: never;
    path: {
        user_id: string;
    };
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/users/{user_id}/events';
};

export type AuthListUserEventsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `user_not_found`: There is no such user.
     */
    404: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListUserEventsError = AuthListUserEventsErrors[keyof AuthListUserEventsErrors];

export type AuthListUserEventsResponses = {
    /**
     * Successful Response
     */
    200: AuthEventPage;
};

export type AuthListUserEventsResponse = AuthListUserEventsResponses[keyof AuthListUserEventsResponses];

export type AuthListAllEventsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/auth/audit';
};

export type AuthListAllEventsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type AuthListAllEventsError = AuthListAllEventsErrors[keyof AuthListAllEventsErrors];

export type AuthListAllEventsResponses = {
    /**
     * Successful Response
     */
    200: AuthEventPage;
};

export type AuthListAllEventsResponse = AuthListAllEventsResponses[keyof AuthListAllEventsResponses];

export type DocumentsListDocumentsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * A minus is descending.
         */
        sort?: '-created_at' | 'created_at' | '-updated_at' | 'updated_at' | 'title' | '-title' | 'size_bytes' | '-size_bytes';
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
        /**
         * Beginnings of words of the title or file name.
         */
        q?: string | null;
        /**
         * Documents that have any of these tags.
         */
        tags?: Array<string> | null;
        /**
         * Documents in this state.
         */
        status?: DocumentStatus | null;
    };
    url: '/api/v1/documents';
};

export type DocumentsListDocumentsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsListDocumentsError = DocumentsListDocumentsErrors[keyof DocumentsListDocumentsErrors];

export type DocumentsListDocumentsResponses = {
    /**
     * Successful Response
     */
    200: DocumentPage;
};

export type DocumentsListDocumentsResponse = DocumentsListDocumentsResponses[keyof DocumentsListDocumentsResponses];

export type DocumentsUploadDocumentsData = {
    body: {
        /**
         * One file or many.
         */
        files: Array<Blob | File>;
        /**
         * For an upload of one file; else the file name.
         */
        title?: string;
        description?: string;
        tags?: Array<string>;
    };
    headers?: {
        /**
         * A retry with the same key and the same files gets the first answer.
         */
        'Idempotency-Key'?: string;
    };
    path?: never;
    query?: never;
    url: '/api/v1/documents';
};

export type DocumentsUploadDocumentsErrors = {
    /**
     * `malformed_upload`: The upload is not well-formed multipart/form-data.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `quota_exceeded`: The file does not fit into what is left of your quota.
     *
     * `idempotency_key_reused`: This Idempotency-Key was sent with a different upload before.
     */
    409: Problem;
    /**
     * `file_too_large`: The file is larger than the server accepts.
     *
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `unsupported_media_type`: The content is of a type that cannot be read.
     */
    415: Problem;
    /**
     * `no_files`: Send at least one file in the field `files`.
     *
     * `file_empty`: The file is empty.
     *
     * `too_many_files`: The upload has more files than the server accepts at once.
     *
     * `invalid_upload_field`: A field of the upload is not valid.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `storage_unavailable`: The file storage cannot be reached or is full. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsUploadDocumentsError = DocumentsUploadDocumentsErrors[keyof DocumentsUploadDocumentsErrors];

export type DocumentsUploadDocumentsResponses = {
    /**
     * Successful Response
     */
    202: UploadRead;
};

export type DocumentsUploadDocumentsResponse = DocumentsUploadDocumentsResponses[keyof DocumentsUploadDocumentsResponses];

export type DocumentsGetUsageData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/documents/usage';
};

export type DocumentsGetUsageErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsGetUsageError = DocumentsGetUsageErrors[keyof DocumentsGetUsageErrors];

export type DocumentsGetUsageResponses = {
    /**
     * Successful Response
     */
    200: StorageUsageRead;
};

export type DocumentsGetUsageResponse = DocumentsGetUsageResponses[keyof DocumentsGetUsageResponses];

export type DocumentsListFormatsData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/documents/formats';
};

export type DocumentsListFormatsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsListFormatsError = DocumentsListFormatsErrors[keyof DocumentsListFormatsErrors];

export type DocumentsListFormatsResponses = {
    /**
     * Successful Response
     */
    200: FormatsRead;
};

export type DocumentsListFormatsResponse = DocumentsListFormatsResponses[keyof DocumentsListFormatsResponses];

export type DocumentsSearchDocumentsData = {
    body: SearchCreate;
    path?: never;
    query?: never;
    url: '/api/v1/documents/search';
};

export type DocumentsSearchDocumentsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type DocumentsSearchDocumentsError = DocumentsSearchDocumentsErrors[keyof DocumentsSearchDocumentsErrors];

export type DocumentsSearchDocumentsResponses = {
    /**
     * Successful Response
     */
    200: SearchRead;
};

export type DocumentsSearchDocumentsResponse = DocumentsSearchDocumentsResponses[keyof DocumentsSearchDocumentsResponses];

export type DocumentsDeleteDocumentData = {
    body?: never;
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}';
};

export type DocumentsDeleteDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsDeleteDocumentError = DocumentsDeleteDocumentErrors[keyof DocumentsDeleteDocumentErrors];

export type DocumentsDeleteDocumentResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type DocumentsDeleteDocumentResponse = DocumentsDeleteDocumentResponses[keyof DocumentsDeleteDocumentResponses];

export type DocumentsGetDocumentData = {
    body?: never;
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}';
};

export type DocumentsGetDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsGetDocumentError = DocumentsGetDocumentErrors[keyof DocumentsGetDocumentErrors];

export type DocumentsGetDocumentResponses = {
    /**
     * Successful Response
     */
    200: DocumentRead;
};

export type DocumentsGetDocumentResponse = DocumentsGetDocumentResponses[keyof DocumentsGetDocumentResponses];

export type DocumentsUpdateDocumentData = {
    body: DocumentUpdate;
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}';
};

export type DocumentsUpdateDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsUpdateDocumentError = DocumentsUpdateDocumentErrors[keyof DocumentsUpdateDocumentErrors];

export type DocumentsUpdateDocumentResponses = {
    /**
     * Successful Response
     */
    200: DocumentRead;
};

export type DocumentsUpdateDocumentResponse = DocumentsUpdateDocumentResponses[keyof DocumentsUpdateDocumentResponses];

export type DocumentsListChunksData = {
    body?: never;
    path: {
        document_id: string;
    };
    query?: {
        /**
         * Where to begin, counted from 0.
         */
        from_ordinal?: number;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/documents/{document_id}/chunks';
};

export type DocumentsListChunksErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsListChunksError = DocumentsListChunksErrors[keyof DocumentsListChunksErrors];

export type DocumentsListChunksResponses = {
    /**
     * Successful Response
     */
    200: ChunkPage;
};

export type DocumentsListChunksResponse = DocumentsListChunksResponses[keyof DocumentsListChunksResponses];

export type DocumentsReprocessDocumentData = {
    body?: never;
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}/reprocess';
};

export type DocumentsReprocessDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsReprocessDocumentError = DocumentsReprocessDocumentErrors[keyof DocumentsReprocessDocumentErrors];

export type DocumentsReprocessDocumentResponses = {
    /**
     * Successful Response
     */
    202: DocumentRead;
};

export type DocumentsReprocessDocumentResponse = DocumentsReprocessDocumentResponses[keyof DocumentsReprocessDocumentResponses];

export type DocumentsDownloadDocumentData = {
    body?: never;
    headers?: {
        /**
         * One range, `bytes=0-99`.
         */
        Range?: string;
        'if-range'?: string;
        'if-none-match'?: string;
    };
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}/content';
};

export type DocumentsDownloadDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     *
     * `file_not_found`: The stored file of this document is gone.
     */
    404: Problem;
    /**
     * `range_not_satisfiable`: The file has no such bytes.
     */
    416: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `storage_unavailable`: The file storage cannot be reached or is full. Try again shortly.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsDownloadDocumentError = DocumentsDownloadDocumentErrors[keyof DocumentsDownloadDocumentErrors];

export type DocumentsDownloadDocumentResponses = {
    /**
     * The file.
     */
    200: Blob | File;
    /**
     * The range.
     */
    206: Blob | File;
};

export type DocumentsDownloadDocumentResponse = DocumentsDownloadDocumentResponses[keyof DocumentsDownloadDocumentResponses];

export type DocumentsFollowDocumentData = {
    body?: never;
    path: {
        document_id: string;
    };
    query?: never;
    url: '/api/v1/documents/{document_id}/events';
};

export type DocumentsFollowDocumentErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `document_not_found`: There is no document with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type DocumentsFollowDocumentError = DocumentsFollowDocumentErrors[keyof DocumentsFollowDocumentErrors];

export type DocumentsFollowDocumentResponses = {
    /**
     * Server-sent events; `event:` is the type.
     */
    200: DocumentEvent;
};

export type DocumentsFollowDocumentResponse = DocumentsFollowDocumentResponses[keyof DocumentsFollowDocumentResponses];

export type ChatAskData = {
    body: QueryCreate;
    headers?: {
        /**
         * Your name for this request: sent again within a day, it returns the same answer instead of asking anew.
         */
        'Idempotency-Key'?: string;
    };
    path?: never;
    query?: never;
    url: '/api/v1/chat/query';
};

export type ChatAskErrors = {
    /**
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `message_not_found`: There is no message with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     *
     * `idempotency_key_reused`: This Idempotency-Key belongs to another question. Use a new key for this one.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type ChatAskError = ChatAskErrors[keyof ChatAskErrors];

export type ChatAskResponses = {
    /**
     * Successful Response
     */
    200: AnswerRead;
};

export type ChatAskResponse = ChatAskResponses[keyof ChatAskResponses];

export type ChatAskStreamData = {
    body: QueryCreate;
    headers?: {
        /**
         * Your name for this request: sent again within a day, it returns the same answer instead of asking anew.
         */
        'Idempotency-Key'?: string;
    };
    path?: never;
    query?: never;
    url: '/api/v1/chat/query/stream';
};

export type ChatAskStreamErrors = {
    /**
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `message_not_found`: There is no message with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     *
     * `idempotency_key_reused`: This Idempotency-Key belongs to another question. Use a new key for this one.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type ChatAskStreamError = ChatAskStreamErrors[keyof ChatAskStreamErrors];

export type ChatAskStreamResponses = {
    /**
     * Server-sent events; `event:` is the type.
     */
    200: StreamEvent;
};

export type ChatAskStreamResponse = ChatAskStreamResponses[keyof ChatAskStreamResponses];

export type ChatGetMessageData = {
    body?: never;
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}';
};

export type ChatGetMessageErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatGetMessageError = ChatGetMessageErrors[keyof ChatGetMessageErrors];

export type ChatGetMessageResponses = {
    /**
     * Successful Response
     */
    200: MessageRead;
};

export type ChatGetMessageResponse = ChatGetMessageResponses[keyof ChatGetMessageResponses];

export type ChatResumeStreamData = {
    body?: never;
    headers?: {
        /**
         * The `id:` of the last event that you have.
         */
        'Last-Event-ID'?: number;
    };
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}/stream';
};

export type ChatResumeStreamErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     */
    409: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatResumeStreamError = ChatResumeStreamErrors[keyof ChatResumeStreamErrors];

export type ChatResumeStreamResponses = {
    /**
     * Server-sent events; `event:` is the type.
     */
    200: StreamEvent;
    /**
     * You have seen the end of this answer.
     */
    204: void;
};

export type ChatResumeStreamResponse = ChatResumeStreamResponses[keyof ChatResumeStreamResponses];

export type ChatStopMessageData = {
    body?: never;
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}/stop';
};

export type ChatStopMessageErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     */
    409: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatStopMessageError = ChatStopMessageErrors[keyof ChatStopMessageErrors];

export type ChatStopMessageResponses = {
    /**
     * Successful Response
     */
    200: MessageRead;
};

export type ChatStopMessageResponse = ChatStopMessageResponses[keyof ChatStopMessageResponses];

export type ChatRegenerateMessageData = {
    body?: RegenerateCreate | null;
    headers?: {
        /**
         * Your name for this request: sent again within a day, it returns the same answer instead of asking anew.
         */
        'Idempotency-Key'?: string;
    };
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}/regenerate';
};

export type ChatRegenerateMessageErrors = {
    /**
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `message_not_found`: There is no message with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     *
     * `idempotency_key_reused`: This Idempotency-Key belongs to another question. Use a new key for this one.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     *
     * `too_many_at_once`: You have as much going on at once as one user may. Wait for some to end.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type ChatRegenerateMessageError = ChatRegenerateMessageErrors[keyof ChatRegenerateMessageErrors];

export type ChatRegenerateMessageResponses = {
    /**
     * The whole answer, or its events if you accept `text/event-stream`.
     */
    200: AnswerRead;
};

export type ChatRegenerateMessageResponse = ChatRegenerateMessageResponses[keyof ChatRegenerateMessageResponses];

export type ChatDeleteFeedbackData = {
    body?: never;
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}/feedback';
};

export type ChatDeleteFeedbackErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     */
    409: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatDeleteFeedbackError = ChatDeleteFeedbackErrors[keyof ChatDeleteFeedbackErrors];

export type ChatDeleteFeedbackResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type ChatDeleteFeedbackResponse = ChatDeleteFeedbackResponses[keyof ChatDeleteFeedbackResponses];

export type ChatSetFeedbackData = {
    body: FeedbackUpdate;
    path: {
        message_id: string;
    };
    query?: never;
    url: '/api/v1/chat/messages/{message_id}/feedback';
};

export type ChatSetFeedbackErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `not_an_answer`: The message is a question; this is possible with answers only.
     */
    409: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatSetFeedbackError = ChatSetFeedbackErrors[keyof ChatSetFeedbackErrors];

export type ChatSetFeedbackResponses = {
    /**
     * Successful Response
     */
    200: FeedbackRead;
};

export type ChatSetFeedbackResponse = ChatSetFeedbackResponses[keyof ChatSetFeedbackResponses];

export type ChatListSessionsData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
        /**
         * The archived ones instead.
         */
        is_archived?: boolean;
    };
    url: '/api/v1/chat/sessions';
};

export type ChatListSessionsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatListSessionsError = ChatListSessionsErrors[keyof ChatListSessionsErrors];

export type ChatListSessionsResponses = {
    /**
     * Successful Response
     */
    200: ChatSessionPage;
};

export type ChatListSessionsResponse = ChatListSessionsResponses[keyof ChatListSessionsResponses];

export type ChatCreateSessionData = {
    body: ChatSessionCreate;
    path?: never;
    query?: never;
    url: '/api/v1/chat/sessions';
};

export type ChatCreateSessionErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatCreateSessionError = ChatCreateSessionErrors[keyof ChatCreateSessionErrors];

export type ChatCreateSessionResponses = {
    /**
     * Successful Response
     */
    201: ChatSessionRead;
};

export type ChatCreateSessionResponse = ChatCreateSessionResponses[keyof ChatCreateSessionResponses];

export type ChatDeleteSessionData = {
    body?: never;
    path: {
        session_id: string;
    };
    query?: never;
    url: '/api/v1/chat/sessions/{session_id}';
};

export type ChatDeleteSessionErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatDeleteSessionError = ChatDeleteSessionErrors[keyof ChatDeleteSessionErrors];

export type ChatDeleteSessionResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type ChatDeleteSessionResponse = ChatDeleteSessionResponses[keyof ChatDeleteSessionResponses];

export type ChatGetSessionData = {
    body?: never;
    path: {
        session_id: string;
    };
    query?: never;
    url: '/api/v1/chat/sessions/{session_id}';
};

export type ChatGetSessionErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatGetSessionError = ChatGetSessionErrors[keyof ChatGetSessionErrors];

export type ChatGetSessionResponses = {
    /**
     * Successful Response
     */
    200: ChatSessionRead;
};

export type ChatGetSessionResponse = ChatGetSessionResponses[keyof ChatGetSessionResponses];

export type ChatUpdateSessionData = {
    body: ChatSessionUpdate;
    path: {
        session_id: string;
    };
    query?: never;
    url: '/api/v1/chat/sessions/{session_id}';
};

export type ChatUpdateSessionErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     */
    404: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatUpdateSessionError = ChatUpdateSessionErrors[keyof ChatUpdateSessionErrors];

export type ChatUpdateSessionResponses = {
    /**
     * Successful Response
     */
    200: ChatSessionRead;
};

export type ChatUpdateSessionResponse = ChatUpdateSessionResponses[keyof ChatUpdateSessionResponses];

export type ChatListMessagesData = {
    body?: never;
    path: {
        session_id: string;
    };
    query?: {
        /**
         * Only the branch that ends with this message, from its first question on.
         */
        leaf?: string | null;
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/chat/sessions/{session_id}/messages';
};

export type ChatListMessagesErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatListMessagesError = ChatListMessagesErrors[keyof ChatListMessagesErrors];

export type ChatListMessagesResponses = {
    /**
     * Successful Response
     */
    200: MessagePage;
};

export type ChatListMessagesResponse = ChatListMessagesResponses[keyof ChatListMessagesResponses];

export type ChatExportSessionData = {
    body?: never;
    path: {
        session_id: string;
    };
    query?: {
        format?: 'json' | 'markdown';
        /**
         * Only the branch that ends with this message, from its first question on.
         */
        leaf?: string | null;
    };
    url: '/api/v1/chat/sessions/{session_id}/export';
};

export type ChatExportSessionErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `message_not_found`: There is no message with this id.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatExportSessionError = ChatExportSessionErrors[keyof ChatExportSessionErrors];

export type ChatExportSessionResponses = {
    /**
     * The chat with its messages.
     */
    200: ChatExport;
};

export type ChatExportSessionResponse = ChatExportSessionResponses[keyof ChatExportSessionResponses];

export type ChatSearchMessagesData = {
    body?: never;
    path?: never;
    query: {
        /**
         * Words that must all be there; also `"a phrase"`, `or` and `-not`.
         */
        q: string;
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/chat/search';
};

export type ChatSearchMessagesErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type ChatSearchMessagesError = ChatSearchMessagesErrors[keyof ChatSearchMessagesErrors];

export type ChatSearchMessagesResponses = {
    /**
     * Successful Response
     */
    200: FoundMessagePage;
};

export type ChatSearchMessagesResponse = ChatSearchMessagesResponses[keyof ChatSearchMessagesResponses];

export type LlmListModelsData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/llm/models';
};

export type LlmListModelsErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type LlmListModelsError = LlmListModelsErrors[keyof LlmListModelsErrors];

export type LlmListModelsResponses = {
    /**
     * Successful Response
     */
    200: ModelPage;
};

export type LlmListModelsResponse = LlmListModelsResponses[keyof LlmListModelsResponses];

export type LlmDeleteModelData = {
    body?: never;
    path: {
        /**
         * Without a tag, `:latest` is meant.
         */
        name: string;
    };
    query?: never;
    url: '/api/v1/llm/models/{name}';
};

export type LlmDeleteModelErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `model_not_found`: The model server does not have this model.
     */
    404: Problem;
    /**
     * `model_in_use`: This server is configured for the model. Configure another one first.
     */
    409: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type LlmDeleteModelError = LlmDeleteModelErrors[keyof LlmDeleteModelErrors];

export type LlmDeleteModelResponses = {
    /**
     * Successful Response
     */
    204: void;
};

export type LlmDeleteModelResponse = LlmDeleteModelResponses[keyof LlmDeleteModelResponses];

export type LlmGetModelData = {
    body?: never;
    path: {
        /**
         * Without a tag, `:latest` is meant.
         */
        name: string;
    };
    query?: never;
    url: '/api/v1/llm/models/{name}';
};

export type LlmGetModelErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `model_not_found`: The model server does not have this model.
     */
    404: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type LlmGetModelError = LlmGetModelErrors[keyof LlmGetModelErrors];

export type LlmGetModelResponses = {
    /**
     * Successful Response
     */
    200: ModelRead;
};

export type LlmGetModelResponse = LlmGetModelResponses[keyof LlmGetModelResponses];

export type LlmPullModelData = {
    body: PullCreate;
    path?: never;
    query?: never;
    url: '/api/v1/llm/models/pull';
};

export type LlmPullModelErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `login_required`: An API key cannot do this. Log in with a password.
     *
     * `admin_required`: Only an administrator may do this.
     */
    403: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type LlmPullModelError = LlmPullModelErrors[keyof LlmPullModelErrors];

export type LlmPullModelResponses = {
    /**
     * Server-sent events; `event:` is the type.
     */
    200: PullEvent;
};

export type LlmPullModelResponse = LlmPullModelResponses[keyof LlmPullModelResponses];

export type LlmGetStatusData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/api/v1/llm/status';
};

export type LlmGetStatusErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type LlmGetStatusError = LlmGetStatusErrors[keyof LlmGetStatusErrors];

export type LlmGetStatusResponses = {
    /**
     * Successful Response
     */
    200: LlmStatusRead;
};

export type LlmGetStatusResponse = LlmGetStatusResponses[keyof LlmGetStatusResponses];

export type LlmCreateEmbeddingsData = {
    body: EmbeddingsCreate;
    path?: never;
    query?: never;
    url: '/api/v1/llm/embeddings';
};

export type LlmCreateEmbeddingsErrors = {
    /**
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     */
    400: Problem;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `request_too_large`: The request is larger than the server accepts.
     */
    413: Problem;
    /**
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     *
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: Problem;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: Problem;
};

export type LlmCreateEmbeddingsError = LlmCreateEmbeddingsErrors[keyof LlmCreateEmbeddingsErrors];

export type LlmCreateEmbeddingsResponses = {
    /**
     * Successful Response
     */
    200: EmbeddingsRead;
};

export type LlmCreateEmbeddingsResponse = LlmCreateEmbeddingsResponses[keyof LlmCreateEmbeddingsResponses];

export type LlmListUsageData = {
    body?: never;
    path?: never;
    query?: {
        /**
         * `everybody` is for admins.
         */
        of?: 'me' | 'everybody';
        /**
         * With today among them.
         */
        days?: number;
        /**
         * `next_cursor` of a former page.
         */
        cursor?: string | null;
        /**
         * The most items to return.
         */
        limit?: number;
    };
    url: '/api/v1/llm/usage';
};

export type LlmListUsageErrors = {
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: Problem;
    /**
     * `forbidden`: Your role does not allow this.
     *
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: Problem;
    /**
     * `invalid_cursor`: The cursor is not one that a former page returned.
     *
     * `validation_failed`: The request is not valid.
     */
    422: Problem;
    /**
     * `too_many_requests`: Too many requests in too short a time. Wait a little.
     */
    429: Problem;
    /**
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: Problem;
};

export type LlmListUsageError = LlmListUsageErrors[keyof LlmListUsageErrors];

export type LlmListUsageResponses = {
    /**
     * Successful Response
     */
    200: UsagePage;
};

export type LlmListUsageResponse = LlmListUsageResponses[keyof LlmListUsageResponses];

export type OpenaiCreateChatCompletionData = {
    body: ChatCompletionCreate;
    headers?: {
        /**
         * Not OpenAI's: a chat of yours, in which question and answer are kept.
         */
        'X-Colloquy-Session'?: string;
    };
    path?: never;
    query?: never;
    url: '/v1/chat/completions';
};

export type OpenaiCreateChatCompletionErrors = {
    /**
     * `unsupported_parameter`: The request asks for something that this server does not offer.
     *
     * `invalid_value`: The request asks for something that this server does not offer.
     *
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     *
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiCreateChatCompletionError = OpenaiCreateChatCompletionErrors[keyof OpenaiCreateChatCompletionErrors];

export type OpenaiCreateChatCompletionResponses = {
    /**
     * Successful Response
     */
    200: ChatCompletion;
};

export type OpenaiCreateChatCompletionResponse = OpenaiCreateChatCompletionResponses[keyof OpenaiCreateChatCompletionResponses];

export type OpenaiCreateCompletionData = {
    body: CompletionCreate;
    headers?: {
        /**
         * Not OpenAI's: a chat of yours, in which question and answer are kept.
         */
        'X-Colloquy-Session'?: string;
    };
    path?: never;
    query?: never;
    url: '/v1/completions';
};

export type OpenaiCreateCompletionErrors = {
    /**
     * `unsupported_parameter`: The request asks for something that this server does not offer.
     *
     * `invalid_value`: The request asks for something that this server does not offer.
     *
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     *
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiCreateCompletionError = OpenaiCreateCompletionErrors[keyof OpenaiCreateCompletionErrors];

export type OpenaiCreateCompletionResponses = {
    /**
     * Successful Response
     */
    200: TextCompletion;
};

export type OpenaiCreateCompletionResponse = OpenaiCreateCompletionResponses[keyof OpenaiCreateCompletionResponses];

export type OpenaiCreateResponseData = {
    body: ResponseCreate;
    headers?: {
        /**
         * Not OpenAI's: a chat of yours, in which question and answer are kept.
         */
        'X-Colloquy-Session'?: string;
    };
    path?: never;
    query?: never;
    url: '/v1/responses';
};

export type OpenaiCreateResponseErrors = {
    /**
     * `unsupported_parameter`: The request asks for something that this server does not offer.
     *
     * `invalid_value`: The request asks for something that this server does not offer.
     *
     * `model_capability_missing`: The model cannot do what was asked. Choose another model.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     *
     * `prompt_too_long`: The question does not fit into the model's context window. Shorten it.
     *
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `chat_session_not_found`: There is no chat session with this id.
     *
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     *
     * `vectors_unavailable`: The vector index cannot be reached. Try again in a moment.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiCreateResponseError = OpenaiCreateResponseErrors[keyof OpenaiCreateResponseErrors];

export type OpenaiCreateResponseResponses = {
    /**
     * Successful Response
     */
    200: ResponseOut;
};

export type OpenaiCreateResponseResponse = OpenaiCreateResponseResponses[keyof OpenaiCreateResponseResponses];

export type OpenaiCreateEmbeddingData = {
    body: EmbeddingCreate;
    path?: never;
    query?: never;
    url: '/v1/embeddings';
};

export type OpenaiCreateEmbeddingErrors = {
    /**
     * `unsupported_parameter`: The request asks for something that this server does not offer.
     *
     * `context_length_exceeded`: The text does not fit into the model's context window. Send less, or raise OLLAMA_NUM_CTX.
     *
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiCreateEmbeddingError = OpenaiCreateEmbeddingErrors[keyof OpenaiCreateEmbeddingErrors];

export type OpenaiCreateEmbeddingResponses = {
    /**
     * Successful Response
     */
    200: EmbeddingList;
};

export type OpenaiCreateEmbeddingResponse = OpenaiCreateEmbeddingResponses[keyof OpenaiCreateEmbeddingResponses];

export type OpenaiListModelsData = {
    body?: never;
    path?: never;
    query?: never;
    url: '/v1/models';
};

export type OpenaiListModelsErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiListModelsError = OpenaiListModelsErrors[keyof OpenaiListModelsErrors];

export type OpenaiListModelsResponses = {
    /**
     * Successful Response
     */
    200: ModelList;
};

export type OpenaiListModelsResponse = OpenaiListModelsResponses[keyof OpenaiListModelsResponses];

export type OpenaiGetModelData = {
    body?: never;
    path: {
        name: string;
    };
    query?: never;
    url: '/v1/models/{name}';
};

export type OpenaiGetModelErrors = {
    /**
     * `validation_failed`: The request is not valid.
     */
    400: ErrorOut;
    /**
     * `not_authenticated`: Send a valid access token in the Authorization header.
     *
     * `invalid_token`: The access token is not valid or has expired. Log in again.
     *
     * `invalid_api_key`: The API key is not valid, has expired or was revoked.
     */
    401: ErrorOut;
    /**
     * `missing_scope`: The API key does not have the scope that this needs.
     */
    403: ErrorOut;
    /**
     * `model_not_found`: The model server does not have this model.
     */
    404: ErrorOut;
    /**
     * `quota_exceeded`: Your tokens of today are used up. There are new ones at midnight UTC.
     */
    429: ErrorOut;
    /**
     * `llm_failed`: The model server could not run the model. Try again; if it fails again, the model server's log says why.
     *
     * `llm_invalid_response`: The model server gave an answer that cannot be understood. Check that OLLAMA_URL is the address of an Ollama server, then try again.
     */
    502: ErrorOut;
    /**
     * `llm_unavailable`: The model server cannot be reached. Start Ollama or set OLLAMA_URL, then try again.
     *
     * `llm_busy`: Too many questions wait for this model. Try again in a few seconds.
     *
     * `model_missing`: A model that this server is configured for is not installed.
     *
     * `database_unavailable`: The database cannot be reached at the moment. Try again shortly.
     */
    503: ErrorOut;
    /**
     * `llm_timeout`: The model did not answer in time. Try again, or ask for less at once.
     */
    504: ErrorOut;
};

export type OpenaiGetModelError = OpenaiGetModelErrors[keyof OpenaiGetModelErrors];

export type OpenaiGetModelResponses = {
    /**
     * Successful Response
     */
    200: ModelOut;
};

export type OpenaiGetModelResponse = OpenaiGetModelResponses[keyof OpenaiGetModelResponses];

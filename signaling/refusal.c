#include "refusal.h"
#include "common/rpc.h"

const Refusal REFUSE_BAD_TOKEN = { RPC_REFUSED, "bad-token",
	"Liên kết không đúng. Hãy mở lại liên kết đã được gửi cho đơn vị.", 0 };
const Refusal REFUSE_REVOKED = { RPC_REFUSED, "revoked",
	"Liên kết này đã bị thu hồi. Hãy liên hệ ban tổ chức để nhận liên kết mới.", 0 };
const Refusal REFUSE_ASK_LINK = { RPC_REFUSED, "not-allowed",
	"Liên kết này chỉ dùng để gửi câu hỏi, không dùng để vào phòng họp.", 0 };
const Refusal REFUSE_NOT_ALLOWED = { RPC_REFUSED, "not-allowed",
	"Vai trò của bạn không được làm việc này.", 0 };
const Refusal REFUSE_SEATED_ALREADY = { RPC_REFUSED, "not-allowed", "Kết nối này đã vào phòng rồi.",
	0 };
const Refusal REFUSE_NOT_ON_STAGE = { RPC_REFUSED, "not-on-stage",
	"Điểm cầu chưa được mời phát biểu.", 0 };
const Refusal REFUSE_SEAT_NOT_ON_STAGE = { RPC_REFUSED, "not-on-stage",
	"Điểm cầu này không ở trên sân khấu.", 0 };
const Refusal REFUSE_ON_STAGE_ALREADY = { RPC_REFUSED, "not-allowed", "Đang ở trên sân khấu rồi.",
	0 };
const Refusal REFUSE_NOT_SEATED = { RPC_REFUSED, "not-seated",
	"Chưa vào phòng họp. Hãy mở lại liên kết của đơn vị.", 0 };
const Refusal REFUSE_SEAT_AWAY = { RPC_REFUSED, "not-seated", "Điểm cầu này chưa vào phòng họp.",
	0 };
const Refusal REFUSE_WAITING = { RPC_REFUSED, "waiting",
	"Một thiết bị khác đang ngồi ở điểm cầu này. Hãy chờ ban tổ chức cho vào.", 0 };
const Refusal REFUSE_WAITING_FULL = { RPC_TOO_MANY, "too-many",
	"Đã có một thiết bị khác đang chờ vào điểm cầu này.", 10000 };
const Refusal REFUSE_BAD_OFFER = { RPC_REFUSED, "bad-offer",
	"Trình duyệt này đề nghị một kết nối mà máy chủ không phục vụ được.", 0 };
const Refusal REFUSE_STAGE_FULL = { RPC_TOO_MANY, "too-many",
	"Sân khấu đã đủ người. Hãy mời bớt một điểm cầu xuống trước.", 5000 };
const Refusal REFUSE_QUEUE_FULL = { RPC_TOO_MANY, "too-many",
	"Hàng đợi phát biểu đã đầy. Hãy thử lại sau.", 10000 };
const Refusal REFUSE_TOO_FAST = { RPC_TOO_MANY, "too-many",
	"Yêu cầu dồn dập quá. Hãy chờ một chút rồi thử lại.", 1000 };
const Refusal REFUSE_ROOM_FULL = { RPC_TOO_MANY, "too-many",
	"Máy chủ đã đủ người. Hãy thử lại sau.", 5000 };
const Refusal REFUSE_MEDIA_BUSY = { RPC_TOO_MANY, "too-many",
	"Nhiều điểm cầu đang cùng vào. Trang sẽ tự thử lại sau giây lát.", 2000 };
const Refusal REFUSE_NO_SEAT = { RPC_NOT_FOUND, "not-found", "Không có điểm cầu này.", 0 };
const Refusal REFUSE_NOBODY_WAITS = { RPC_NOT_FOUND, "not-found",
	"Không có thiết bị nào đang chờ ở điểm cầu này.", 0 };
const Refusal REFUSE_NO_FORUM = { RPC_NOT_FOUND, "not-found", "Không có hội nghị này.", 0 };
const Refusal REFUSE_NO_PEER = { RPC_NOT_FOUND, "not-found", "Không có kết nối này.", 0 };
const Refusal REFUSE_NO_IF_MATCH = { RPC_INVALID_PARAMS, "no-if-match",
	"Yêu cầu thiếu If-Match: * hoặc ETag của kết nối.", 0 };
const Refusal REFUSE_OLD_TAG = { RPC_INVALID_PARAMS, "old-tag", "Kết nối đã thay đổi từ ETag này.",
	0 };
const Refusal REFUSE_BAD_PARAMS = { RPC_INVALID_PARAMS, "bad-params",
	"Yêu cầu có chỗ không hợp lệ.", 0 };
const Refusal REFUSE_BAD_MESSAGE = { RPC_INVALID_REQUEST, "bad-params", "Thông điệp không hợp lệ.",
	0 };
const Refusal REFUSE_MEDIA_AWAY = { RPC_UNAVAILABLE, "media-away",
	"Máy chủ hình và tiếng đang khởi động lại. Trang sẽ tự thử lại.", 1000 };
const Refusal REFUSE_RECORDER_AWAY = { RPC_UNAVAILABLE, "recorder-away",
	"Máy ghi không trả lời. Trang sẽ tự thử lại.", 2000 };
const Refusal REFUSE_NO_RECORDING = { RPC_NOT_FOUND, "not-found", "Không có bản ghi này.", 0 };
const Refusal REFUSE_NO_TICKET = { RPC_REFUSED, "expired",
	"Đường dẫn này đã hết hạn hoặc không đúng. Hãy mở lại từ trang Bản ghi.", 0 };
const Refusal REFUSE_UNKNOWN_METHOD = { RPC_UNKNOWN_METHOD, "unknown-method",
	"Máy chủ không biết yêu cầu này. Hãy tải lại trang.", 0 };
const Refusal REFUSE_TOO_LARGE = { RPC_INVALID_REQUEST, "too-large", "Yêu cầu quá lớn.", 0 };
const Refusal REFUSE_STORE = { RPC_INTERNAL_ERROR, "store",
	"Máy chủ không ghi được dữ liệu. Hãy báo người vận hành.", 0 };
const Refusal REFUSE_TOO_MANY_FORUMS = { RPC_TOO_MANY, "too-many", "Máy chủ đã đủ số hội nghị.",
	0 };
const Refusal REFUSE_TOO_MANY_SITES = { RPC_TOO_MANY, "too-many", "Hội nghị đã đủ số điểm cầu.",
	0 };
const Refusal REFUSE_TEXT_EMPTY = { RPC_REFUSED, "bad-text",
	"Câu hỏi còn trống. Hãy viết nội dung rồi gửi.", 0 };
const Refusal REFUSE_TEXT_LONG = { RPC_REFUSED, "bad-text",
	"Câu hỏi dài quá 2.000 ký tự. Hãy viết ngắn lại, hoặc chia thành hai câu.", 0 };
const Refusal REFUSE_TEXT_NAME = { RPC_REFUSED, "bad-text",
	"Họ tên dài quá 80 ký tự. Hãy viết ngắn lại.", 0 };
const Refusal REFUSE_TEXT_BROKEN = { RPC_REFUSED, "bad-text",
	"Câu hỏi có ký tự không đọc được. Hãy viết lại.", 0 };
const Refusal REFUSE_KEY_TAKEN = { RPC_REFUSED, "bad-params",
	"Mã của câu hỏi này đã được nơi khác dùng. Hãy gửi lại câu hỏi.", 0 };
const Refusal REFUSE_ASK_FAST = { RPC_TOO_MANY, "too-many",
	"Điểm cầu đang gửi nhiều câu hỏi cùng lúc. Xin chờ vài giây.", 1000 };
const Refusal REFUSE_ASK_BUSY = { RPC_TOO_MANY, "too-many",
	"Đang có rất nhiều câu hỏi gửi đến. Xin chờ vài giây.", 2000 };
const Refusal REFUSE_ASK_FULL = { RPC_TOO_MANY, "too-many",
	"Hội nghị đã nhận đủ số câu hỏi và không nhận thêm.", 60000 };
const Refusal REFUSE_ASK_STORE = { RPC_UNAVAILABLE, "store",
	"Máy chủ tạm thời không lưu được câu hỏi. Câu hỏi này chưa được nhận.", 5000 };
const Refusal REFUSE_NO_QUESTION = { RPC_NOT_FOUND, "not-found", "Không có câu hỏi này.", 0 };
const Refusal REFUSE_QUESTION_STATE = { RPC_REFUSED, "bad-state",
	"Câu hỏi này đang ở bước khác, không chuyển như vậy được.", 0 };
const Refusal REFUSE_PROBE_BUSY = { RPC_TOO_MANY, "too-many",
	"Nhiều điểm cầu đang cùng đo đường truyền. Xin chờ một chút rồi đo lại.", 2000 };
